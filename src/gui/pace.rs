//! How often the window draws of its own accord: at once, unless the processor trains. What the hand does is drawn at
//! once in any case, and so is what follows from it for a while.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use eframe::egui::{self, Id};

/// Milliseconds from something new to its frame while the processor trains.
const BESIDE_TRAINING: u64 = 250;
/// The same where the processor draws the frames, too: each takes some 25 ms from the training.
const DRAWN_BESIDE_TRAINING: u64 = 1_000;
/// The same once nobody has touched the window for a while ([`REST`]): two cores that train lose about twice what one
/// frame takes from one of them, since each waits for the other.
const DRAWN_AT_REST: u64 = 2_000;
/// Milliseconds without a touch after which the window is at rest.
const REST: u64 = 20_000;
/// Milliseconds for which the window is at the hand's service after it was last used.
const ATTENTION: u64 = 2_000;

static START: LazyLock<Instant> = LazyLock::new(Instant::now);

/// The pace of a window; copies are of the same window, and any thread may ask them.
#[derive(Clone, Default)]
pub struct Pace(Arc<State>);

#[derive(Default)]
struct State {
    /// Milliseconds to wait while nobody touches the window.
    wait: AtomicU64,
    /// Until when not to wait, in milliseconds after `START`.
    attend: AtomicU64,
}

impl Pace {
    /// That of `ctx`.
    pub fn of(ctx: &egui::Context) -> Self {
        ctx.data_mut(|data| data.get_temp_mut_or_default::<Self>(Id::unique("pace")).clone())
    }

    /// Chooses it: whether the processor trains, and whether it draws the window.
    pub fn choose(&self, trains: bool, draws: bool) {
        let wait = match (trains, draws) {
            (false, _) => 0,
            (true, false) => BESIDE_TRAINING,
            (true, true) => DRAWN_BESIDE_TRAINING,
        };
        self.0.wait.store(wait, Ordering::Relaxed);
    }

    /// The window is being used.
    pub fn attend(&self) {
        self.0.attend.store(since_start() + ATTENTION, Ordering::Relaxed);
    }

    /// From something new to the frame that shows it.
    pub fn wait(&self) -> Duration {
        Duration::from_millis(self.wait_at(since_start()))
    }

    /// The same in milliseconds, `now` milliseconds after the start.
    fn wait_at(&self, now: u64) -> u64 {
        let attend = self.0.attend.load(Ordering::Relaxed);
        match self.0.wait.load(Ordering::Relaxed) {
            _ if now < attend => 0,
            DRAWN_BESIDE_TRAINING if now >= attend + REST => DRAWN_AT_REST,
            wait => wait,
        }
    }

    /// Whether there is time for motion that only pleases.
    pub fn moves(&self) -> bool {
        self.wait() < Duration::from_millis(DRAWN_BESIDE_TRAINING)
    }

    /// Asks for a frame in time; many that ask get one.
    pub fn wake(&self, ctx: &egui::Context) {
        ctx.request_repaint_after(self.wait());
    }
}

fn since_start() -> u64 {
    u64::try_from(START.elapsed().as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_waits_beside_training_until_it_is_used() {
        let pace = Pace::default();
        assert_eq!(pace.wait(), Duration::ZERO);
        pace.choose(true, true);
        assert_eq!(pace.wait_at(0), DRAWN_BESIDE_TRAINING);
        assert!(!pace.moves());
        pace.attend();
        assert_eq!(pace.wait(), Duration::ZERO);
        assert!(pace.moves());
        let used = pace.0.attend.load(Ordering::Relaxed);
        assert_eq!(pace.wait_at(used + REST - 1), DRAWN_BESIDE_TRAINING);
        assert_eq!(pace.wait_at(used + REST), DRAWN_AT_REST);
        pace.choose(true, false);
        assert_eq!(pace.wait_at(used + REST), BESIDE_TRAINING, "a graphics card takes nothing from the training");
    }
}
