//! What draws the window: a graphics card, or the processor in its place.

use eframe::glow::{self, HasContext};

/// Drivers of OpenGL that compute every pixel on the processor, as their names begin: Mesa's three, Chrome's, and
/// those that Windows and macOS fall back to.
const ON_PROCESSOR: [&str; 7] =
    ["llvmpipe", "softpipe", "SWR", "Google SwiftShader", "GDI Generic", "Microsoft Basic Render", "Apple Software"];

/// Whether the processor itself draws the window. `false` where nothing is known.
pub fn is_software(gl: Option<&glow::Context>) -> bool {
    gl.is_some_and(|gl| names_software(&name(gl)))
}

/// The renderer as OpenGL names it.
#[allow(unsafe_code)]
fn name(gl: &glow::Context) -> String {
    // SAFETY: eframe hands out the context of the window that it has just made current on this thread, and RENDERER
    // is a name that every version of OpenGL has.
    unsafe { gl.get_parameter_string(glow::RENDERER) }
}

fn names_software(renderer: &str) -> bool {
    ON_PROCESSOR.iter().any(|name| renderer.starts_with(name))
}

#[cfg(test)]
mod tests {
    use super::names_software;

    #[test]
    fn mesas_processor_driver_is_known_by_its_name() {
        assert!(names_software("llvmpipe (LLVM 15.0.7, 256 bits)"));
        assert!(!names_software("NVIDIA GeForce RTX 3060/PCIe/SSE2"));
        assert!(!names_software("Mesa Intel(R) UHD Graphics 620 (KBL GT2)"));
    }
}
