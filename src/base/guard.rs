//! Work whose panic must not take its thread along.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Does `work`; its panic becomes one sentence that begins with `what`, such as "Reading the clusters".
///
/// # Errors
/// That sentence. What `work` was changing is then half changed: let go of it.
pub fn guarded<T>(what: &str, work: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|panic| {
        let reason = first_line(reason_of(panic.as_ref()));
        format!("{what} failed inside: {reason}. Please report it.")
    })
}

/// What a panic said.
pub fn reason_of(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("unknown panic")
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or(text).trim_end_matches('.')
}
