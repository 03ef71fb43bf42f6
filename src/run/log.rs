//! A file of lines that only grows, whose earlier lines survive whatever happens to the last.

use std::fs::File;
use std::io::{self, Write};

/// What [`Lines`] needs of a file.
pub trait Sink: Write {
    /// Cuts the file to its first `len` bytes.
    ///
    /// # Errors
    /// Those of the file system.
    fn cut(&mut self, len: u64) -> io::Result<()>;

    /// Puts everything written so far on the disk.
    ///
    /// # Errors
    /// Those of the file system.
    fn sync(&mut self) -> io::Result<()>;
}

impl Sink for File {
    fn cut(&mut self, len: u64) -> io::Result<()> {
        self.set_len(len)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.sync_data()
    }
}

/// Appends whole lines. A line that could not be written whole (the disk is full) is taken back, so that
/// the next one does not continue it.
#[derive(Debug)]
pub struct Lines<S> {
    sink: S,
    good: u64,
    torn: bool,
}

impl<S: Sink> Lines<S> {
    /// On a file opened for appending that holds `good` bytes of whole lines.
    pub fn new(sink: S, good: u64) -> Self {
        Self { sink, good, torn: false }
    }

    /// Writes `line` and a line feed.
    ///
    /// # Errors
    /// Those of the file system; no earlier line is harmed.
    pub fn append(&mut self, line: &str) -> io::Result<()> {
        if self.torn {
            self.sink.cut(self.good)?;
            self.torn = false;
        }
        let mut bytes = Vec::with_capacity(line.len() + 1);
        bytes.extend_from_slice(line.as_bytes());
        bytes.push(b'\n');
        match self.sink.write_all(&bytes).and_then(|()| self.sink.flush()) {
            Ok(()) => {
                self.good += bytes.len() as u64;
                Ok(())
            }
            Err(error) => {
                // When even cutting fails, the next append tries again before it writes.
                self.torn = self.sink.cut(self.good).is_err();
                Err(error)
            }
        }
    }

    /// Puts the lines on the disk.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn sync(&mut self) -> io::Result<()> {
        self.sink.sync()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A disk with room for so many bytes, and a `cut` that can be made to fail.
    struct Small {
        bytes: Vec<u8>,
        room: usize,
        cut_fails: bool,
    }

    impl Write for Small {
        fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
            let n = buf.len().min(self.room.saturating_sub(self.bytes.len()));
            if n == 0 {
                return Err(io::ErrorKind::StorageFull.into());
            }
            self.bytes.extend_from_slice(&buf[..n]);
            Ok(n)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Sink for Small {
        fn cut(&mut self, len: u64) -> io::Result<()> {
            if self.cut_fails {
                return Err(io::ErrorKind::Other.into());
            }
            self.bytes.truncate(len as usize);
            Ok(())
        }

        fn sync(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_full_disk_costs_the_new_line_only() {
        for cut_fails in [false, true] {
            let mut lines = Lines::new(Small { bytes: Vec::new(), room: 14, cut_fails }, 0);
            lines.append("first").unwrap();
            assert!(lines.append("second is long").is_err());
            lines.sink.cut_fails = false;
            lines.sink.room = 100;
            lines.append("third").unwrap();
            assert_eq!(lines.sink.bytes, b"first\nthird\n");
        }
    }
}
