//! What pages that are written have in common: all of it in one file, and nothing is asked of a network.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::style;

/// Nothing but what stands in the file itself.
const POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:; font-src data:";

/// A whole page in the bundled type, with these rules and this body.
pub(super) fn document(title: &str, css: &str, body: &Markup) -> Markup {
    let [regular, strong] = [style::REGULAR, style::STRONG].map(|font| STANDARD.encode(font));
    let faces = format!(
        "@font-face{{font-family:'IBM Plex Sans';font-weight:400;src:url(data:font/ttf;base64,{regular})}}\
         @font-face{{font-family:'IBM Plex Sans';font-weight:600 700;src:url(data:font/ttf;base64,{strong})}}"
    );
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                title { (title) }
                style { (PreEscaped(faces)) (PreEscaped(css)) }
            }
            body { (body) }
        }
    }
}

/// A picture as the address of itself.
pub(super) fn jpeg_address(bytes: &[u8]) -> String {
    format!("data:image/jpeg;base64,{}", STANDARD.encode(bytes))
}
