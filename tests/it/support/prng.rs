//! The portable random numbers of `gen_features.py`, which made the golden inputs: SplitMix64 in counter mode, sums
//! of sixteen-bit lanes for normal numbers. Integer-exact, so the same bits everywhere.

const G: u64 = 0x9E37_79B9_7F4A_7C15;

fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// Key of stream `t`.
pub fn key(seed: u64, t: u64) -> u64 {
    mix(seed.wrapping_mul(0xD134_2543_DE82_EF95).wrapping_add(t.wrapping_mul(G)).wrapping_add(1))
}

/// Word `i` of stream `t`.
pub fn word(seed: u64, t: u64, i: u64) -> u64 {
    mix((i + 1).wrapping_mul(G).wrapping_add(key(seed, t)))
}

/// Normal number `i` of stream `t`, times 65536.
pub fn gauss(seed: u64, t: u64, i: u64) -> i64 {
    let lanes = |w: u64| (0..4).map(|k| (w >> (16 * k)) & 0xFFFF).sum::<u64>();
    (0..3).map(|k| lanes(word(seed, t, 3 * i + k))).sum::<u64>() as i64 - 393_210
}

/// `count` normal numbers of unit variance.
pub fn normals(seed: u64, t: u64, count: usize) -> Vec<f64> {
    (0..count as u64).map(|i| gauss(seed, t, i) as f64 / 65536.0).collect()
}

/// `count` uniform numbers in [0, 1).
pub fn uniforms(seed: u64, t: u64, count: usize) -> Vec<f64> {
    (0..count as u64).map(|i| (word(seed, t, i) >> 11) as f64 / (1u64 << 53) as f64).collect()
}

#[test]
fn the_generator_gives_the_published_vectors() {
    assert_eq!(key(11, 1), 12_739_058_956_774_783_130);
    assert_eq!(word(11, 1, 3), 17_985_737_090_565_582_195);
    assert_eq!([0, 1, 2, 3, 4, 5].map(|i| gauss(11, 1, i)), [29776, -7509, 21525, -5889, 89726, 9706]);
}
