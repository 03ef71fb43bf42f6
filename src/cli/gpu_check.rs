//! `gpu-check`: what a device does with our operations, one part a call, as JSON. `scripts/gpu-check.sh` runs all.

mod runs;

use serde_json::{Value, json};

use super::progress::{note, print_json};
use crate::base::device::DeviceChoice;
use crate::method::params::Backbone;
use crate::model::check::{self, Sizes};
use crate::model::device::{self as devices, Chosen, Gauge};

/// Arguments of `gpu-check`.
#[derive(clap::Args, Clone, Debug)]
pub struct GpuCheckArgs {
    /// What is checked.
    #[arg(value_enum)]
    pub part: CheckPart,
    /// auto, cpu, cuda or cuda:N.
    #[arg(long, default_value = "auto")]
    pub device: DeviceChoice,
    /// In small sizes, for seconds on a CPU.
    #[arg(long)]
    pub dry_run: bool,
    /// Another network than the part's own.
    #[arg(long, value_name = "NAME", value_parser = clap::builder::PossibleValuesParser::new(Backbone::NAMES))]
    pub backbone: Option<String>,
    /// Images of each domain in a step, instead of the part's own number.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(i64).range(4..=4096))]
    pub batch: Option<i64>,
    /// Images that share batch statistics in a step; 0 for all.
    #[arg(long, default_value_t = 16)]
    pub group: usize,
    /// Convolutions in bfloat16.
    #[arg(long)]
    pub bf16: bool,
}

/// Parts of the check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum CheckPart {
    /// Which devices there are, and what is said of those that are not.
    Devices,
    /// Results beside the CPU's: forward, backward, attention maps, groups of batch normalisation, losses, memory.
    Agreement,
    /// A tiny run: paused, changed, stopped, resumed; its mAP beside the CPU's.
    Run,
    /// The adaptation step by its parts.
    Step,
    /// Where the step's time goes, by class of kernel; how often it waits for the device.
    Profile,
    /// Features of images and their mirror images.
    Extraction,
    /// The comparison of query and gallery.
    Evaluation,
    /// Neighbour lists on the device, and the rest of the clustering.
    Clustering,
    /// Running out of memory, and going on.
    Exhaustion,
}

/// Runs the command.
///
/// # Errors
/// When the device is not there, or a computation fails that should not.
pub fn run(args: &GpuCheckArgs) -> anyhow::Result<()> {
    let mut sizes = if args.dry_run { Sizes::dry() } else { Sizes::full() };
    sizes.backbone = args.backbone.as_deref().and_then(Backbone::from_name).unwrap_or(sizes.backbone);
    sizes.set_batch(args.batch.unwrap_or(sizes.batch));
    if args.part == CheckPart::Devices {
        return print_json(&all_devices());
    }
    let Chosen { device, instead } = devices::choose(args.device)?;
    if let Some(why) = instead {
        note(&why);
    }
    let found = match args.part {
        CheckPart::Devices => Value::Null,
        CheckPart::Run => runs::whole(args.device, args.dry_run)?,
        CheckPart::Agreement => check::agreement(&sizes, device)?,
        CheckPart::Step => check::steps(&sizes, device, args.group, args.bf16)?,
        CheckPart::Extraction => check::extraction(&sizes, device, args.bf16)?,
        CheckPart::Profile => check::profile(&sizes, device, args.group, args.bf16)?,
        CheckPart::Evaluation => check::evaluation(&sizes)?,
        CheckPart::Clustering => check::clustering(&sizes, device)?,
        CheckPart::Exhaustion => {
            let mut found = check::exhaustion(&sizes, device)?;
            found["engine"] = runs::exhausted(args.device, args.dry_run)?;
            found
        }
    };
    print_json(&json!({ "device": devices::name(device), "found": found }))
}

/// What each way to ask for a device gives: its name and memory, or the sentence that refuses.
fn all_devices() -> Value {
    let one = |(text, request): (&str, DeviceChoice)| {
        let answer = match devices::choose(request) {
            Ok(Chosen { device, instead }) => json!({
                "device": devices::name(device),
                "instead": instead,
                "memory_bytes": devices::memory(device).map(|(used, total)| [used, total]),
                "capability": devices::capability(device),
                "utilisation_and_temperature": Gauge::open(device).read(),
            }),
            Err(error) => json!({ "refused": error.to_string() }),
        };
        (String::from(text), answer)
    };
    let asked = [
        ("auto", DeviceChoice::Auto),
        ("cpu", DeviceChoice::Cpu),
        ("cuda", DeviceChoice::Cuda(0)),
        ("cuda:7", DeviceChoice::Cuda(7)),
    ];
    Value::Object(asked.into_iter().map(one).collect())
}
