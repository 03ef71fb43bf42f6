//! Why a query finds a hit: the parts of either photo sum to the similarity that the rank list was sorted by.

use reid_workbench::engine::command::Command;
use reid_workbench::engine::event::{Event, ImageRef, RankQuery, Split, State};

use crate::support::engine::{Driver, Tiny, tiny_params};

#[test]
fn the_parts_of_both_photos_sum_to_the_similarity_of_the_rank_list() {
    let tiny = Tiny::new();
    let mut params = tiny_params();
    params.assign("adapt.epochs=1").unwrap();
    let mut driver = Driver::new();
    driver.start(tiny.request("run", params));
    assert_eq!(driver.until_end(), State::Done);
    let query = ImageRef { split: Split::Query, index: 2 };
    driver.send(Command::Rank(RankQuery::Image(query)));
    let Event::Ranked(ranking) = driver.until("a rank list", |e| matches!(e, Event::Ranked(_))) else { unreachable!() };
    for at in [0, 3, ranking.gallery.len() - 1] {
        let hit = ImageRef { split: Split::Gallery, index: ranking.gallery[at] };
        driver.send(Command::Likeness { query, hit });
        let found = driver.until("an answer", |e| matches!(e, Event::Likeness(_)));
        let Event::Likeness(likeness) = found else { unreachable!() };
        assert_eq!((likeness.query, likeness.hit), (query, hit));
        // Of unit features the squared distance is 2 − 2cos.
        let cosine = 1.0 - f64::from(ranking.distances[at]) / 2.0;
        assert!((likeness.similarity - cosine).abs() < 1e-5, "{} and {cosine}", likeness.similarity);
        for map in &likeness.maps {
            assert_eq!(map.values.len(), map.height * map.width);
            let sum: f64 = map.values.iter().map(|&v| f64::from(v)).sum();
            assert!((sum - likeness.similarity).abs() < 1e-5, "{sum} and {}", likeness.similarity);
        }
    }
    driver.send(Command::Likeness { query, hit: ImageRef { split: Split::Gallery, index: 90_000 } });
    driver.until("a refusal", |e| matches!(e, Event::Refused { why, .. } if why.contains("no such image")));
}
