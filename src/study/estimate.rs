//! How long a run will take, from iterations that were measured on the same device.
//!
//! What an iteration costs is taken to grow with its images, their pixels and the multiplications of the network. That
//! is coarse: memory, loading and small layers have a share of their own. It tells minutes from days.

use crate::method::params::{Backbone, Params};
use crate::run::event::Phase;
use crate::run::view::RunView;

/// Iterations of one training that make a measurement; the first of each epoch waits for its images and is left out.
pub const MEASURED: usize = 3;

/// Multiplications of a network on one image, relative to ResNet-50 with the last stride 1 (6.2 · 10⁹ at 224 × 224).
fn of_network(backbone: Backbone) -> f64 {
    match backbone {
        Backbone::Resnet50 | Backbone::Resnet50Ibn => 1.0,
        Backbone::Resnet34 => 0.9,
        Backbone::Resnet18 => 0.49,
        // 0.026 of the multiplications, but layers so small do not fill a processor: as measured on two cores.
        Backbone::Resnet50Lite => 0.12,
    }
}

/// The work of one image passing through the network, in that of ResNet-50 on 224 × 224.
fn of_image(params: &Params) -> f64 {
    let pixels = (params.image.height * params.image.width) as f64;
    of_network(params.backbone) * pixels / (224.0 * 224.0)
}

/// Images that one iteration takes.
fn batch(params: &Params, phase: Phase) -> f64 {
    match phase {
        Phase::Pretrain => params.pretrain.batch as f64,
        // Source and target side by side.
        Phase::Adapt if params.adapt.joint => 2.0 * params.adapt.batch as f64,
        Phase::Adapt => params.adapt.batch as f64,
    }
}

/// The work of one iteration: forward once, backward about twice that.
fn of_iteration(params: &Params, phase: Phase) -> f64 {
    3.0 * batch(params, phase) * of_image(params)
}

/// How fast a device has been seen to work, in seconds for [`of_image`]'s unit.
pub fn measured(view: &RunView) -> Option<f64> {
    let params = view.params.as_ref()?;
    let phase = |phase: Phase| {
        let points = &view.curves(phase).points;
        let mut seconds: Vec<f64> =
            points.iter().rev().filter(|p| p.iter > 0 && p.seconds > 0.0).take(64).map(|p| p.seconds).collect();
        seconds.sort_by(f64::total_cmp);
        (seconds.len() >= MEASURED).then(|| seconds[seconds.len() / 2] / of_iteration(params, phase))
    };
    phase(Phase::Adapt).or_else(|| phase(Phase::Pretrain)).filter(|pace| pace.is_finite() && *pace > 0.0)
}

/// Images of the sets that a run works on, where they are known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SetSizes {
    /// Of the target's training split.
    pub train: usize,
    /// Of its query and gallery together.
    pub test: usize,
}

impl SetSizes {
    /// Of the sets that the program draws.
    pub const DRAWN: Self = Self { train: 1024, test: 832 };
    /// Of Market-1501, for sets that were not counted.
    pub const MARKET: Self = Self { train: 12_936, test: 23_100 };
}

/// Seconds that a run of these parameters takes at `pace` ([`measured`]); without the time for clustering, which is a
/// small part.
pub fn seconds(params: &Params, pace: f64, sizes: SetSizes) -> f64 {
    let training = |phase: Phase, epochs: usize, iters: usize| (epochs * iters) as f64 * of_iteration(params, phase);
    let image = of_image(params);
    let epochs = params.adapt.epochs;
    let judged = epochs.div_ceil(params.eval.every.max(1)) + 1;
    let extracted = (epochs * sizes.train) as f64 * image;
    let evaluated = (judged * sizes.test) as f64 * image;
    let work = training(Phase::Pretrain, params.pretrain.epochs, params.pretrain.iters)
        + training(Phase::Adapt, epochs, params.adapt.iters)
        + extracted
        + evaluated;
    work * pace
}

/// `about 2 min`, `about 9 days`: as people say it, with one digit that counts or two.
pub fn words(seconds: f64) -> String {
    let (unit, one, many) = match seconds {
        s if s < 90.0 => (1.0, "s", "s"),
        s if s < 90.0 * 60.0 => (60.0, "min", "min"),
        s if s < 36.0 * 3600.0 => (3600.0, "hour", "hours"),
        _ => (86_400.0, "day", "days"),
    };
    let n = (seconds / unit).round().max(1.0);
    format!("about {n:.0} {}", if n == 1.0 { one } else { many })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::method::params::presets::preset;
    use crate::run::event::{Event, Stamped, Step};

    #[test]
    fn a_demo_is_minutes_and_the_paper_days_on_the_device_that_ran_the_demo() {
        let mut demo = Params::default();
        for (key, value) in preset("demo").unwrap().overlay {
            demo.set_text(key, value).unwrap();
        }
        let mut view = RunView::default();
        view.params = Some(demo.clone());
        assert_eq!(measured(&view), None, "nothing was measured yet");
        for iter in 0..6 {
            let step = Step {
                phase: Phase::Pretrain,
                epoch: 0,
                iter,
                iters: 24,
                step: iter as u64,
                loss: 1.0,
                parts: Vec::new(),
                lr: 1e-3,
                seconds: if iter == 0 { 9.0 } else { 0.2 },
                waited: 0.0,
                merged: 1,
            };
            view.fold(&Stamped {
                run: Default::default(),
                seq: iter as u64,
                t: 0.0,
                wall: 0.0,
                event: Event::Step(step),
            });
        }
        let pace = measured(&view).unwrap();
        let sizes = SetSizes { train: 1024, test: 832 };
        let demo = seconds(&demo, pace, sizes);
        assert!((100.0..400.0).contains(&demo), "608 iterations of 0.2 s and the rest: {demo}");
        let paper = seconds(&Params::default(), pace, SetSizes { train: 12_936, test: 19_281 });
        assert!(paper > 86_400.0, "{paper}");
        assert!(words(demo).ends_with("min") && words(paper).ends_with("days"));
    }

    #[test]
    fn times_are_said_as_people_say_them() {
        let said = [0.2, 42.0, 128.0, 5000.0, 7200.0, 86_400.0 * 9.0].map(words);
        assert_eq!(said, ["about 1 s", "about 42 s", "about 2 min", "about 83 min", "about 2 hours", "about 9 days"]);
    }
}
