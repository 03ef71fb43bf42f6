//! Who a person is: body, hair, clothes, things carried. Drawn once for each identity.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use super::City;
use super::maths::{V3, hex};

/// How far the sleeves reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sleeve {
    /// Bare arms.
    None,
    /// To the elbow.
    Short,
    /// To the wrist.
    Long,
}

/// What covers the legs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Legs {
    /// Long trousers.
    Trousers,
    /// To the knee.
    Shorts,
    /// A skirt to the knee.
    Skirt,
}

/// How cloth is patterned. Sizes are shares of the body's height.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ClothPattern {
    /// One colour.
    Plain,
    /// Horizontal stripes.
    Stripes {
        /// Stripe and gap together.
        period: f32,
    },
    /// Vertical stripes.
    Pinstripes {
        /// Stripe and gap together.
        period: f32,
    },
    /// Crossing stripes.
    Check {
        /// Stripe and gap together.
        period: f32,
    },
    /// Dots.
    Dots {
        /// From dot to dot.
        period: f32,
    },
    /// The second colour below the chest.
    Halves,
    /// A band of the second colour over the chest.
    Band,
    /// A print on the chest, and on the back or not.
    Print {
        /// Also on the back.
        back: bool,
        /// A disc instead of a rectangle.
        round: bool,
    },
    /// Sleeves of the second colour.
    Raglan,
    /// Open over a shirt of the second colour.
    Open,
    /// Blotches of the second colour.
    Blotches,
}

/// A garment.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cloth {
    /// Main colour, linear.
    pub colour: V3,
    /// Second colour, linear.
    pub second: V3,
    /// How they alternate.
    pub pattern: ClothPattern,
}

/// The cut of the hair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hair {
    /// None.
    Bald,
    /// Close to the head.
    Short,
    /// Over the ears.
    Medium,
    /// On the shoulders.
    Long,
    /// Tied up.
    Bun,
    /// Tied back.
    Tail,
    /// Wide and round.
    Afro,
}

/// What is on the head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hat {
    /// Nothing.
    None,
    /// A cap with a peak.
    Cap,
    /// A woollen hat.
    Beanie,
    /// A hat with a brim.
    Brim,
}

/// What is carried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bag {
    /// Nothing.
    None,
    /// On the back.
    Backpack,
    /// At the hip, the strap across the chest.
    Across,
    /// In the hand.
    Hand,
    /// On wheels behind.
    Trolley,
}

/// What people may have in common: the clothes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Clothes {
    /// Shirt, jacket, coat or dress.
    pub top: Cloth,
    /// Where it ends, share of the height.
    pub hem: f32,
    /// Its sleeves.
    pub sleeve: Sleeve,
    /// How far it stands off the body, share of the height.
    pub thick: f32,
    /// Trousers, shorts or skirt.
    pub bottom: Cloth,
    /// Which of them.
    pub legs: Legs,
    /// Width of the trouser legs, 1 is straight.
    pub wide: f32,
}

/// An identity.
#[derive(Clone, Debug, PartialEq)]
pub struct Person {
    /// Metres.
    pub height: f32,
    /// Width of the body, 1 is average.
    pub build: f32,
    /// Width of the shoulders.
    pub shoulders: f32,
    /// Width of the hips.
    pub hips: f32,
    /// Depth of the belly.
    pub belly: f32,
    /// Whether waist and chest are a woman's.
    pub bust: bool,
    /// Skin, linear.
    pub skin: V3,
    /// Hair, linear.
    pub hair: V3,
    /// Its cut.
    pub cut: Hair,
    /// The clothes.
    pub clothes: Clothes,
    /// Shoes, linear.
    pub shoes: V3,
    /// Whether the soles are white.
    pub soles: bool,
    /// A scarf's colour, if there is one.
    pub scarf: Option<V3>,
    /// What is on the head, and its colour.
    pub hat: (Hat, V3),
    /// What is carried, and its colour.
    pub bag: (Bag, V3),
    /// On which side it is carried, −1 or 1.
    pub side: f32,
    /// Seeds the texture of this person's cloth.
    pub salt: u32,
}

const TOPS: &[(u32, f64)] = &[
    (0x1d1e21, 2.2),
    (0x3b3e43, 1.3),
    (0x232f4b, 1.5),
    (0x85888c, 1.2),
    (0xdedbd4, 1.6),
    (0xc4b195, 0.8),
    (0xa53430, 0.9),
    (0x62242f, 0.5),
    (0x5d6139, 0.6),
    (0x2e6b49, 0.6),
    (0x82a8cc, 0.8),
    (0x315ba2, 0.9),
    (0x2c7780, 0.5),
    (0xc69a33, 0.5),
    (0xc2632e, 0.4),
    (0xcf98a3, 0.6),
    (0x5c437b, 0.4),
    (0x6c4b36, 0.6),
];

const BOTTOMS: &[(u32, f64)] = &[
    (0x1e1f22, 2.2),
    (0x273249, 2.0),
    (0x486389, 1.4),
    (0x8ba3c0, 0.6),
    (0x5a5d61, 1.2),
    (0x9d8a67, 1.0),
    (0xc2b594, 0.5),
    (0x5b4635, 0.6),
    (0x53573a, 0.5),
    (0xd3d0c9, 0.4),
];

const SKINS: &[(u32, f64)] =
    &[(0xe8c4a8, 2.0), (0xd9ac8a, 2.0), (0xc08e6a, 1.2), (0x966444, 0.9), (0x6a4530, 0.7), (0x4a3023, 0.4)];

const HAIRS: &[(u32, f64)] = &[
    (0x17130f, 2.6),
    (0x35241a, 1.8),
    (0x5c3d26, 1.2),
    (0x8d6a42, 0.7),
    (0xb9945f, 0.4),
    (0x8e8b86, 0.5),
    (0x7a3520, 0.2),
];

const THINGS: &[(u32, f64)] = &[
    (0x1f1f22, 2.0),
    (0x6f4a2e, 1.0),
    (0x2c3c66, 0.8),
    (0x8c2f2e, 0.8),
    (0x6a6d70, 0.8),
    (0x3d5e43, 0.5),
    (0xb98f4a, 0.5),
    (0x2c7780, 0.4),
    (0xd8d5cc, 0.5),
];

/// One of `items`, by weight.
pub fn pick<T: Copy>(rng: &mut ChaCha8Rng, items: &[(T, f64)]) -> T {
    let total: f64 = items.iter().map(|i| i.1).sum();
    let mut left = rng.random_range(0.0..total);
    for &(item, weight) in items {
        if left < weight {
            return item;
        }
        left -= weight;
    }
    items[items.len() - 1].0
}

fn dyed(rng: &mut ChaCha8Rng, palette: &[(u32, f64)]) -> V3 {
    let colour = hex(pick(rng, palette));
    colour * rng.random_range(0.75..1.25)
}

/// A second colour that can be told from the first.
fn contrast(rng: &mut ChaCha8Rng, colour: V3) -> V3 {
    let mut second = dyed(rng, TOPS);
    for _ in 0..8 {
        if (second.luma().sqrt() - colour.luma().sqrt()).abs() > 0.2 {
            break;
        }
        second = dyed(rng, TOPS);
    }
    second
}

fn pattern(rng: &mut ChaCha8Rng, plain: f64) -> ClothPattern {
    let period = rng.random_range(0.034..0.062);
    pick(
        rng,
        &[
            (ClothPattern::Plain, plain),
            (ClothPattern::Stripes { period }, 1.2),
            (ClothPattern::Pinstripes { period: period * 0.8 }, 0.5),
            (ClothPattern::Check { period: period * 1.2 }, 0.8),
            (ClothPattern::Dots { period }, 0.5),
            (ClothPattern::Halves, 0.6),
            (ClothPattern::Band, 0.7),
            (ClothPattern::Print { back: false, round: period > 0.048 }, 1.0),
            (ClothPattern::Print { back: true, round: period < 0.04 }, 0.6),
            (ClothPattern::Raglan, 0.6),
            (ClothPattern::Open, 1.0),
            (ClothPattern::Blotches, 0.4),
        ],
    )
}

impl Clothes {
    /// Draws clothes; the station is colder, so coats are longer and sleeves too.
    pub fn draw(rng: &mut ChaCha8Rng, domain: City, bust: bool) -> Self {
        let warm = domain == City::Plaza;
        let colour = dyed(rng, TOPS);
        let top = Cloth { colour, second: contrast(rng, colour), pattern: pattern(rng, 2.6) };
        let coat = rng.random_bool(if warm { 0.08 } else { 0.3 });
        let sleeve = pick(
            rng,
            &[
                (Sleeve::None, if warm { 0.5 } else { 0.05 }),
                (Sleeve::Short, if warm { 2.0 } else { 0.8 }),
                (Sleeve::Long, 1.6),
            ],
        );
        let skirt = if bust { 1.2 } else { 0.0 };
        let legs =
            pick(rng, &[(Legs::Trousers, 3.2), (Legs::Shorts, if warm { 1.5 } else { 0.3 }), (Legs::Skirt, skirt)]);
        let colour = dyed(rng, BOTTOMS);
        let texture = pick(
            rng,
            &[
                (ClothPattern::Plain, 6.0),
                (ClothPattern::Check { period: 0.05 }, 0.5),
                (ClothPattern::Pinstripes { period: 0.03 }, 0.4),
                (ClothPattern::Blotches, 0.4),
            ],
        );
        let bottom = Cloth { colour, second: contrast(rng, colour), pattern: texture };
        let hem = if coat { rng.random_range(0.28..0.42) } else { rng.random_range(0.455..0.53) };
        Self {
            top,
            hem,
            sleeve: if coat { Sleeve::Long } else { sleeve },
            thick: if coat { rng.random_range(0.012..0.024) } else { rng.random_range(0.003..0.014) },
            bottom,
            legs,
            wide: rng.random_range(0.82..1.3),
        }
    }
}

impl Person {
    /// Draws an identity.
    pub fn draw(rng: &mut ChaCha8Rng, domain: City) -> Self {
        let bust = rng.random_bool(0.48);
        let cuts = if bust {
            [
                (Hair::Medium, 1.0),
                (Hair::Long, 1.5),
                (Hair::Bun, 0.7),
                (Hair::Tail, 1.0),
                (Hair::Short, 0.3),
                (Hair::Afro, 0.2),
            ]
        } else {
            [
                (Hair::Short, 3.0),
                (Hair::Medium, 0.5),
                (Hair::Bald, 0.5),
                (Hair::Tail, 0.15),
                (Hair::Long, 0.1),
                (Hair::Afro, 0.25),
            ]
        };
        let hats = [(Hat::None, 4.5), (Hat::Cap, 0.7), (Hat::Beanie, 0.5), (Hat::Brim, 0.25)];
        let travel = domain == City::Station;
        let bags = [
            (Bag::None, 2.6),
            (Bag::Backpack, 1.3),
            (Bag::Across, 0.9),
            (Bag::Hand, if bust { 1.2 } else { 0.4 }),
            (Bag::Trolley, if travel { 0.8 } else { 0.1 }),
        ];
        Self {
            height: rng.random_range(1.56..1.74) + if bust { 0.0 } else { 0.12 },
            build: rng.random_range(0.84..1.22),
            shoulders: rng.random_range(0.93..1.07) * if bust { 0.94 } else { 1.05 },
            hips: rng.random_range(0.95..1.08) * if bust { 1.06 } else { 0.97 },
            belly: rng.random_range(0.85..1.3),
            bust,
            skin: hex(pick(rng, SKINS)) * rng.random_range(0.9..1.1),
            hair: hex(pick(rng, HAIRS)) * rng.random_range(0.8..1.2),
            cut: pick(rng, &cuts),
            clothes: Clothes::draw(rng, domain, bust),
            shoes: dyed(
                rng,
                &[(0x1b1b1d, 2.2), (0x5a3d28, 0.9), (0xd9d7d2, 1.4), (0x77797c, 0.6), (0x9a2f2c, 0.3), (0x2a3d6e, 0.4)],
            ),
            soles: rng.random_bool(0.45),
            scarf: rng.random_bool(if travel { 0.18 } else { 0.04 }).then(|| dyed(rng, THINGS)),
            hat: (pick(rng, &hats), dyed(rng, THINGS)),
            bag: (pick(rng, &bags), dyed(rng, THINGS)),
            side: if rng.random_bool(0.5) { 1.0 } else { -1.0 },
            salt: rng.random(),
        }
    }
}
