//! Numbers, counts and durations as text, the same wherever they are read.

/// `1,234.5` with that many decimals and a true minus; `–` for what is not a number.
pub fn number(value: f64, decimals: usize) -> String {
    if !value.is_finite() {
        return "–".to_owned();
    }
    let text = format!("{:.*}", decimals, value.abs());
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    let zero = text.chars().all(|c| matches!(c, '0' | '.'));
    let sign = if value < 0.0 && !zero { "−" } else { "" };
    let point = if fraction.is_empty() { "" } else { "." };
    format!("{sign}{}{point}{fraction}", grouped(whole))
}

/// A share or score with two decimals, or as many more as it takes to show that it is not nothing: `0.64`, `0.0009`.
pub fn share(value: f64) -> String {
    let decimals = match value.abs() {
        v if v > 0.0 && v < 0.005 => (1.0 - v.log10()).floor().clamp(2.0, 6.0) as usize,
        _ => 2,
    };
    number(value, decimals)
}

/// A whole number, thousands grouped: `12,936`.
pub fn count(value: usize) -> String {
    grouped(&value.to_string())
}

/// The same words, the first letter large: the beginning of a sentence.
pub fn capitalised(words: &str) -> String {
    let mut letters = words.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

fn grouped(digits: &str) -> String {
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// `1 cluster`, `1,234 clusters`.
pub fn counted(value: usize, one: &str, many: &str) -> String {
    format!("{} {}", count(value), if value == 1 { one } else { many })
}

/// With its sign: `+1.2`, `−0.3`, `0.0`.
pub fn signed(value: f64, decimals: usize) -> String {
    let text = number(value, decimals);
    if value > 0.0 && text.chars().any(|c| c.is_ascii_digit() && c != '0') { format!("+{text}") } else { text }
}

/// `3.5e-4`.
pub fn scientific(value: f64) -> String {
    if value == 0.0 {
        return "0".to_owned();
    }
    let text = format!("{value:.1e}").replace(".0e", "e");
    text.strip_prefix('-').map_or_else(|| text.clone(), |rest| format!("−{rest}"))
}

/// A fraction as a percentage: `12.5 %`.
pub fn percent(fraction: f64, decimals: usize) -> String {
    format!("{} %", number(100.0 * fraction, decimals))
}

/// `80 ms`, `3.4 s`, `38 s`, `1 min 52 s`, `3 h 54 min`.
pub fn duration(seconds: f64) -> String {
    if seconds > 0.0 && seconds < 0.095 {
        return format!("{:.0} ms", (1e3 * seconds).max(1.0));
    }
    if seconds < 9.95 {
        return format!("{:.1} s", seconds.max(0.0));
    }
    let s = seconds.round() as u64;
    match (s / 3600, s / 60 % 60, s % 60) {
        (0, 0, s) => format!("{s} s"),
        (0, m, 0) => format!("{m} min"),
        (0, m, s) => format!("{m} min {s} s"),
        (h, m, _) => format!("{} h {m} min", count(h as usize)),
    }
}

/// `512 B`, `1.5 MB`, `12 GB`: powers of a thousand.
pub fn bytes(value: u64) -> String {
    let units = ["B", "kB", "MB", "GB", "TB", "PB", "EB"];
    let mut scaled = value as f64;
    let mut unit = 0;
    while scaled >= 999.5 && unit + 1 < units.len() {
        scaled /= 1000.0;
        unit += 1;
    }
    let decimals = usize::from(unit > 0 && scaled < 9.95);
    format!("{} {}", number(scaled, decimals), units[unit])
}
