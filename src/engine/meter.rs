//! Losses on their way from the device to the curve: read at the curve's rate, since every reading makes the host
//! wait for the device.

use std::time::{Duration, Instant};

use tch::{Device, Kind, Tensor};

use super::error::EngineError;

/// On a GPU, losses are read at most this often; the steps between are one point, their mean.
const EVERY: Duration = Duration::from_millis(100);

/// The losses of a step, still on the device.
pub(super) struct Losses {
    /// What was minimised.
    pub total: Tensor,
    /// Its parts by name.
    pub parts: Vec<(&'static str, Tensor)>,
}

/// What a point of the curve says of one step or several.
#[derive(Debug, PartialEq)]
pub(super) struct Reading {
    pub loss: f64,
    pub parts: Vec<(String, f64)>,
    /// Seconds that the steps took, and of those, seconds of waiting for images.
    pub seconds: f64,
    pub waited: f64,
    /// How many steps.
    pub merged: u32,
}

/// Adds up losses on the device until they are due.
pub(super) struct Meter {
    every: Duration,
    last: Instant,
    /// `[1 + parts]`.
    sum: Option<Tensor>,
    names: Vec<&'static str>,
    seconds: f64,
    waited: f64,
    merged: u32,
}

impl Meter {
    /// On the CPU every step is read: nothing waits there.
    pub fn new(device: Device) -> Self {
        let every = if device.is_cuda() { EVERY } else { Duration::ZERO };
        Self { every, last: Instant::now(), sum: None, names: Vec::new(), seconds: 0.0, waited: 0.0, merged: 0 }
    }

    /// Takes in a step that began `began`. Its point, with those of the steps since the last one, when it is due or
    /// `now` is set.
    ///
    /// # Errors
    /// When libtorch fails.
    pub fn add(
        &mut self,
        losses: &Losses,
        began: Instant,
        waited: f64,
        now: bool,
    ) -> Result<Option<Reading>, EngineError> {
        let _guard = tch::no_grad_guard();
        let names: Vec<&'static str> = losses.parts.iter().map(|(name, _)| *name).collect();
        // Other parts than before begin a new sum; the old one was read at the end of its epoch.
        if names != self.names {
            self.names = names;
            self.sum = None;
            self.merged = 0;
        }
        let values: Vec<Tensor> = std::iter::once(&losses.total)
            .chain(losses.parts.iter().map(|(_, t)| t))
            .map(|t| t.f_detach()?.f_view([1]))
            .collect::<Result<_, _>>()?;
        let values = Tensor::f_cat(&values, 0)?.f_to_kind(Kind::Double)?;
        self.sum = Some(match self.sum.take() {
            Some(sum) => sum.f_add(&values)?,
            None => values,
        });
        self.waited += waited;
        self.merged += 1;
        let due = now || self.last.elapsed() >= self.every;
        // Reading waits for the device, and so takes what is left of the step and of those queued before it.
        let reading = if due { self.read()? } else { None };
        self.seconds += began.elapsed().as_secs_f64();
        Ok(reading.map(|reading| Reading { seconds: std::mem::take(&mut self.seconds), ..reading }))
    }

    /// The point of the steps that have not been read.
    fn read(&mut self) -> Result<Option<Reading>, EngineError> {
        let Some(sum) = self.sum.take() else { return Ok(None) };
        let n = f64::from(self.merged.max(1));
        let values = Vec::<f64>::try_from(sum.f_to_device(Device::Cpu)?)?;
        let mut means = values.into_iter().map(|v| v / n);
        let reading = Reading {
            loss: means.next().unwrap_or(f64::NAN),
            parts: self.names.iter().map(|name| (*name).to_owned()).zip(means).collect(),
            seconds: 0.0,
            waited: self.waited,
            merged: self.merged,
        };
        (self.waited, self.merged) = (0.0, 0);
        self.last = Instant::now();
        Ok(Some(reading))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn losses(total: f64, target: f64) -> Losses {
        Losses { total: Tensor::from(total), parts: vec![("target", Tensor::from(target))] }
    }

    fn began(seconds_ago: f64) -> Instant {
        Instant::now().checked_sub(Duration::from_secs_f64(seconds_ago)).unwrap()
    }

    #[test]
    fn steps_between_two_readings_are_one_point_with_their_means() {
        let mut meter = Meter::new(Device::Cpu);
        meter.every = Duration::from_secs(3600);
        assert_eq!(meter.add(&losses(3.0, 1.0), began(5.0), 0.1, false).unwrap(), None);
        assert_eq!(meter.add(&losses(5.0, 2.0), began(5.0), 0.1, false).unwrap(), None);
        let point = meter.add(&losses(1.0, 6.0), began(5.0), 0.1, true).unwrap().unwrap();
        assert_eq!((point.loss, point.merged), (3.0, 3));
        assert!((15.0..16.0).contains(&point.seconds), "{}", point.seconds);
        assert_eq!(point.parts, [("target".to_owned(), 3.0)]);
        let next = meter.add(&losses(2.0, 2.0), began(2.0), 0.0, true).unwrap().unwrap();
        assert_eq!((next.loss, next.merged), (2.0, 1));
        assert!((2.0..3.0).contains(&next.seconds), "{}", next.seconds);
    }

    #[test]
    fn on_the_cpu_every_step_is_a_point() {
        let mut meter = Meter::new(Device::Cpu);
        for total in [4.0, 2.0] {
            let point = meter.add(&losses(total, 1.0), Instant::now(), 0.0, false).unwrap();
            assert_eq!(point.unwrap().loss, total);
        }
    }
}
