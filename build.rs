//! Lets the program find libtorch where it was built against it, and compiles the two functions that its bindings lack.

fn main() {
    println!("cargo:rerun-if-env-changed=LIBTORCH");
    println!("cargo:rerun-if-changed=build.rs");
    let unix = std::env::var("CARGO_CFG_TARGET_FAMILY").as_deref() == Ok("unix");
    println!("cargo:rerun-if-changed=src/model/profile.cpp");
    // As torch-sys looks for it.
    let libtorch = std::env::var("LIBTORCH").unwrap_or_else(|_| "/usr".to_owned());
    cc::Build::new()
        .cpp(true)
        .warnings(false)
        .std("c++17")
        .include(format!("{libtorch}/include"))
        .include(format!("{libtorch}/include/torch/csrc/api/include"))
        .file("src/model/profile.cpp")
        .compile("reid_profile");
    if let (Ok(libtorch), true) = (std::env::var("LIBTORCH"), unix) {
        // First beside the program, as `make package` lays it out.
        println!("cargo:rustc-link-arg=-Wl,-rpath,$ORIGIN/../lib/reid-workbench/torch/lib");
        println!("cargo:rustc-link-arg=-Wl,-rpath,{libtorch}/lib");
    }
}
