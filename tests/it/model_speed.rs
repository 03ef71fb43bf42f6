//! Time of a training step on this machine; run with `cargo test --test it model_speed -- --ignored --nocapture`.
//! `SPEED=backbone,batch,height,width,attention,group,threads` chooses what is timed.

use std::time::Instant;

use reid_workbench::method::params::Backbone;
use reid_workbench::model::head::Classifier;
use reid_workbench::model::losses::{batch_hard_triplet, cross_entropy_smooth};
use reid_workbench::model::net::{Net, NetSpec};
use reid_workbench::model::optim::Adam;
use tch::{Device, Kind, Tensor};

#[test]
#[ignore = "a measurement, not a test"]
fn a_training_step() {
    let chosen = std::env::var("SPEED").unwrap_or_else(|_| "resnet50-lite,64,128,64,1,0,2".to_owned());
    let parts: Vec<&str> = chosen.split(',').collect();
    let number = |i: usize| parts[i].parse::<i64>().unwrap();
    let (batch, height, width) = (number(1), number(2), number(3));
    tch::set_num_threads(number(6) as i32);
    let spec = NetSpec {
        backbone: Backbone::from_name(parts[0]).unwrap(),
        positions: (number(4) == 1).then_some((1, 4)),
        domains: 1,
    };
    let net = Net::new(&spec, Device::Cpu, 1).unwrap();
    let head = Classifier::new(net.dim(), 64, Device::Cpu, 1).unwrap();
    let mut adam = Adam::new([net.parameters(), head.parameters()].concat_owned(), 3e-4, 5e-4).unwrap();
    let x = Tensor::randn([batch, 3, height, width], (Kind::Float, Device::Cpu));
    let labels: Vec<i64> = (0..batch).map(|i| (i / 4) % 64).collect();
    let (mut steps, mut cpu) = (0, 0.0);
    let mut times = [Vec::new(), Vec::new(), Vec::new(), Vec::new()];
    for i in 0..if parts[0] == "resnet50-lite" { 20 } else { 4 } {
        let (t0, before) = (Instant::now(), on_cpu());
        adam.zero_grad().unwrap();
        let out = net.forward_train(&x, 0, number(5) as usize).unwrap();
        let loss = cross_entropy_smooth(&head.logits(&out.bn).unwrap(), &labels, 0.1).unwrap()
            + batch_hard_triplet(&out.pooled, &labels, 0.3, true).unwrap();
        let t1 = Instant::now();
        loss.backward();
        let t2 = Instant::now();
        adam.step().unwrap();
        let (t3, after) = (Instant::now(), on_cpu());
        let _ = net.extract(&x, 0).unwrap();
        let t4 = Instant::now();
        if i > 1 {
            steps += 1;
            cpu += after - before;
            for (list, (a, b)) in times.iter_mut().zip([(t0, t1), (t1, t2), (t2, t3), (t3, t4)]) {
                list.push((b - a).as_secs_f64() * 1e3);
            }
        }
    }
    // the quickest of each: what else runs on the machine only ever adds
    let best = times.map(|t| t.into_iter().fold(f64::INFINITY, f64::min));
    println!(
        "{chosen}: forward {:.1} + backward {:.1} + Adam {:.1} = {:.1} ms a step; extraction {:.1} ms; \
         {:.1} ms of processor time a step",
        best[0],
        best[1],
        best[2],
        best[..3].iter().sum::<f64>(),
        best[3],
        cpu / f64::from(steps)
    );
}

/// Milliseconds of processor time that this process has used, all threads.
fn on_cpu() -> f64 {
    let text = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<&str> = text.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |i: usize| fields.get(i).and_then(|f| f.parse::<f64>().ok()).unwrap_or(f64::NAN);
    (ticks(11) + ticks(12)) * 10.0
}

/// Joins lists of tensors, which do not clone.
trait ConcatOwned {
    fn concat_owned(self) -> Vec<(String, Tensor)>;
}

impl ConcatOwned for [Vec<(String, Tensor)>; 2] {
    fn concat_owned(self) -> Vec<(String, Tensor)> {
        self.into_iter().flatten().collect()
    }
}
