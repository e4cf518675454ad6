//! Which source would help a target most, told without training on the target.

mod score;

pub use h_score::h_score;
pub use leep::leep;
pub use log_me::log_me;
pub use nce::nce;
pub use score::{SourceCandidate, SourceScore};
pub use trans_rate::trans_rate;

procrust_settings::methods! {
    /// The scores that plans can name.
    pub fn ranking_scores: dyn SourceScore = "method" {
        random::RandomSource,
        leep::Leep,
        nce::Nce,
        log_me::LogMe,
        h_score::HScore,
        trans_rate::TransRate,
        target_trained::BestSource,
    }
}
