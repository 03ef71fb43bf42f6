//! Files of the other machine, piece by piece.

use std::collections::VecDeque;
use std::io::{self, Write};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use crossbeam_channel::Receiver;

use super::{AHEAD, ANSWER, LARGEST};
use crate::remote::line::{Line, LineAnswer, LineError, Transfer};
use crate::remote::protocol::{Ask, PIECE, Tell};

/// How a copy ended.
pub(super) enum Copied {
    Whole,
    /// It was written anew meanwhile.
    Changed,
}

/// Copies a file from there to `to`, so many pieces ahead.
pub(super) fn copy(
    line: &Line,
    run: &str,
    file: &str,
    to: &Path,
    then: u64,
    changes: &AtomicU64,
) -> Result<Copied, LineError> {
    let here = |e: io::Error| LineError::Broken(format!("{} cannot be written: {e}", to.display()));
    let folder = to.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder).map_err(here)?;
    let mut temporary = tempfile::Builder::new().prefix(".coming-").suffix(".tmp").tempfile_in(folder).map_err(here)?;
    let mut pieces = Pieces::of(line, run, file, 0, false)?;
    let showing = Showing(line);
    while let Some(bytes) = pieces.next()? {
        let Some(bytes) = bytes else { return Ok(Copied::Changed) };
        temporary.write_all(&bytes).map_err(here)?;
        if pieces.size > u64::from(PIECE) {
            let (file, done, total) = (file.to_owned(), pieces.done, pieces.size);
            showing.0.set_transfer(Some(Transfer { file, done, total }));
        }
    }
    if changes.load(Ordering::SeqCst) != then {
        return Ok(Copied::Changed);
    }
    temporary.persist(to).map_err(|e| here(e.error))?;
    Ok(Copied::Whole)
}

/// Shows what is on its way, until it is dropped.
struct Showing<'a>(&'a Line);

impl Drop for Showing<'_> {
    fn drop(&mut self) {
        self.0.set_transfer(None);
    }
}

/// A file, piece by piece.
pub(in crate::remote) struct Pieces<'a> {
    line: &'a Line,
    run: String,
    file: String,
    on_the_way: VecDeque<Receiver<LineAnswer>>,
    /// Where the next piece begins that is not asked for yet.
    ahead: u64,
    /// Bytes that came.
    pub done: u64,
    /// Bytes of the file.
    pub size: u64,
    /// Stands for the file as it is.
    pub stamp: Option<u64>,
    grows: bool,
}

impl<'a> Pieces<'a> {
    /// From byte `from` on. A file that `grows` may have another stamp with each piece.
    pub fn of(line: &'a Line, run: &str, file: &str, from: u64, grows: bool) -> Result<Self, LineError> {
        let mut pieces = Self {
            line,
            run: run.to_owned(),
            file: file.to_owned(),
            on_the_way: Default::default(),
            ahead: from,
            done: from,
            size: u64::MAX,
            stamp: None,
            grows,
        };
        // How long the file is, is known with the first.
        pieces.ask()?;
        Ok(pieces)
    }

    fn ask(&mut self) -> Result<(), LineError> {
        let ask = Ask::Read { run: self.run.clone(), file: self.file.clone(), at: self.ahead, most: PIECE };
        self.on_the_way.push_back(self.line.send(ask)?);
        self.ahead += u64::from(PIECE);
        Ok(())
    }

    /// The next piece; `Some(None)` when the file has changed meanwhile, `None` at its end.
    pub fn next(&mut self) -> Result<Option<Option<Vec<u8>>>, LineError> {
        let Some(said) = self.on_the_way.pop_front() else { return Ok(None) };
        let (tell, bytes) = self.line.answer(&said, ANSWER)?;
        let Tell::Piece { size, stamp } = tell else { return Err(self.line.cut("no piece of a file")) };
        if size > LARGEST {
            return Err(LineError::Refused(format!("{} is larger than is brought", self.file)));
        }
        if !self.grows && self.stamp.is_some_and(|before| before != stamp) {
            return Ok(Some(None));
        }
        (self.size, self.stamp) = (size, Some(stamp));
        let expected = u64::from(PIECE).min(size.saturating_sub(self.done));
        if bytes.len() as u64 != expected {
            return Err(self.line.cut("a piece of another length"));
        }
        self.done += expected;
        while self.ahead < size && (self.on_the_way.len() as u64) < AHEAD {
            self.ask()?;
        }
        Ok(Some(Some(bytes)))
    }
}
