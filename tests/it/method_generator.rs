//! The generator that stands in for stored features gives the very bits that the reference programs saw.

use serde_json::Value;

use super::support::gen_features::{FeatureSpec, gauss, generate, key, word};
use super::support::golden::fixtures;
use super::support::sha256;

#[test]
fn the_generator_gives_the_published_vectors() {
    let text = std::fs::read(fixtures().join("gen_vectors.json")).unwrap();
    let json: Value = serde_json::from_slice(&text).unwrap();
    assert_eq!(json["key(11,1)"], key(11, 1).to_string());
    for i in 0..4 {
        assert_eq!(json["words(11,1,0..3)"][i], word(11, 1, i as u64).to_string());
    }
    for i in 0..6 {
        assert_eq!(json["gauss(11,1,0..5)"][i], gauss(11, 1, i as u64));
    }
    let case = &json["case n300_d128"];
    let spec: FeatureSpec = serde_json::from_value(case["params"].clone()).unwrap();
    let made = generate(&spec);
    assert_eq!(case["pid_first10"], serde_json::json!(made.pid[..10]));
    assert_eq!(case["cam_first10"], serde_json::json!(made.camid[..10]));
    assert_eq!(case["sha256"], sha256::of_f32(&made.features));
}
