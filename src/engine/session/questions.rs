//! What a network is asked besides its training: attention maps and rank lists.

use super::Session;
use crate::engine::command::RequestId;
use crate::engine::error::EngineError;
use crate::engine::event::{Event, ImageRef, Likeness, RankQuery, Severity, SnapshotPart, Split, Stage, State};
use crate::engine::link::Link;
use crate::engine::ranked::{Moment, Question};
use crate::engine::setup::Setup;
use crate::run::snapshot::write_heat_maps;

impl Session {
    /// Attention maps of these images with the weights as they stand, sent as one event. What goes wrong is said and
    /// harms no run.
    ///
    /// # Errors
    /// When the answer cannot be delivered.
    pub fn answer_heat_maps(
        &mut self,
        images: &[ImageRef],
        id: &RequestId,
        link: &mut Link,
    ) -> Result<(), EngineError> {
        let found = self.setup.heat_maps(images, self.target_domain());
        let answer = found
            .map(|images| Event::HeatMaps { epoch: self.epoch(), images })
            .map_err(|e| format!("The heat maps could not be computed: {e}"));
        Ok(link.answer(id, &self.folder, answer)?)
    }

    /// What each position of two images gives to their similarity, with the weights as they stand, sent as one event. What
    /// goes wrong is said and harms no run.
    ///
    /// # Errors
    /// When the answer cannot be delivered.
    pub fn answer_likeness(
        &mut self,
        [query, hit]: [ImageRef; 2],
        id: &RequestId,
        link: &mut Link,
    ) -> Result<(), EngineError> {
        let answer = if self.setup.net.averages() {
            let found = self.setup.likeness([query, hit], self.target_domain());
            let likeness = |(similarity, maps)| Likeness { query, hit, epoch: self.epoch(), similarity, maps };
            found
                .map(|found| Event::Likeness(Box::new(likeness(found))))
                .map_err(|e| format!("The similarity could not be taken apart: {e}"))
        } else {
            let text =
                "This network pools by a generalised mean, and such a similarity does not fall apart over positions.";
            Err(text.to_owned())
        };
        Ok(link.answer(id, &self.folder, answer)?)
    }

    /// Attention maps of the watched images, into the snapshot of the epochs done and to the listeners.
    pub fn watched_heat_maps(&mut self, link: &mut Link) -> Result<(), EngineError> {
        let images = match self.setup.heat_maps(&self.watched, self.target_domain()) {
            Ok(images) => images,
            Err(e) => {
                link.outbox.notice(Severity::Warning, "The heat maps could not be computed", e.to_string());
                return Ok(());
            }
        };
        if images.iter().all(|i| i.maps.is_empty()) {
            return Ok(());
        }
        let (folder, epoch) = (self.folder.clone(), self.position.epochs_done());
        link.outbox.emit(Event::HeatMaps { epoch, images: images.clone() })?;
        let then = Event::Snapshot { epoch, part: SnapshotPart::HeatMaps };
        let write = move || Ok(write_heat_maps(&folder, epoch, &images)?);
        self.owed.write("heat maps", Some(then), write, link)
    }

    /// The attention maps of three watched images as pre-training has brought them so far; for those who look on, kept
    /// nowhere. What goes wrong is said after the evaluation.
    ///
    /// # Errors
    /// When they cannot be delivered.
    pub fn early_heat_maps(&mut self, link: &mut Link) -> Result<(), EngineError> {
        let watched = &self.watched[..self.watched.len().min(3)];
        match self.setup.heat_maps(watched, self.target_domain()) {
            Ok(images) if images.iter().any(|i| !i.maps.is_empty()) => {
                Ok(link.outbox.emit(Event::HeatMaps { epoch: 0, images })?)
            }
            _ => Ok(()),
        }
    }

    /// The gallery ranked for this image, sent as one event; see [`super::ranked`] for the weights that count.
    /// `at_rest` says that no training goes on. What goes wrong is said and harms no run.
    ///
    /// # Errors
    /// When the answer cannot be delivered.
    pub fn answer_rank(
        &mut self,
        query: &RankQuery,
        id: &RequestId,
        at_rest: bool,
        link: &mut Link,
    ) -> Result<(), EngineError> {
        let moment = Moment::of(&self.position, self.state == State::Evaluating, self.target_domain());
        let batch = self.params().eval.batch;
        let tick = |done, total| {
            link.outbox.progress(Stage::Evaluate, done, total);
            // No other command is handled here: this may itself be the answer to one, within a pause.
            if link.control.stop_requested() { Err(EngineError::Stopped) } else { Ok(()) }
        };
        let found = self.ranks.ranking(&self.setup, moment, Question { query, at_rest, batch }, tick);
        let answer = found.map(|ranking| Event::Ranked(Box::new(ranking))).map_err(|e| match e {
            EngineError::Stopped => {
                "The rank list was not computed: the run was asked to stop first; ask again.".to_owned()
            }
            e => format!("The rank list could not be computed: {e}"),
        });
        Ok(link.answer(id, &self.folder, answer)?)
    }
}

/// The first query of each of three people: enough to see whether attention finds the person.
pub(super) fn default_watch(setup: &Setup) -> Vec<ImageRef> {
    let mut seen = Vec::new();
    let queries = setup.target.dataset.query.iter().enumerate();
    queries
        .filter(|(_, s)| {
            let new = !seen.contains(&s.pid);
            seen.push(s.pid);
            new
        })
        .take(3)
        .map(|(i, _)| ImageRef { split: Split::Query, index: i as u32 })
        .collect()
}
