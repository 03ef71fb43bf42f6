//! Lets the program find libtorch where it was built against it.

fn main() {
    println!("cargo:rerun-if-env-changed=LIBTORCH");
    println!("cargo:rerun-if-changed=build.rs");
    let unix = std::env::var("CARGO_CFG_TARGET_FAMILY").as_deref() == Ok("unix");
    if let (Ok(libtorch), true) = (std::env::var("LIBTORCH"), unix) {
        // First beside the program, as `make package` lays it out.
        println!("cargo:rustc-link-arg=-Wl,-rpath,$ORIGIN/../lib/reid-workbench/torch/lib");
        println!("cargo:rustc-link-arg=-Wl,-rpath,{libtorch}/lib");
    }
}
