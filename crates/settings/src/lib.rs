//! Declared settings: the name, defaults, ranges and documentation of a method, stated once.
//!
//! A method, classifier, descriptor, encoder or criterion is a struct of settings in a file of its
//! own. The struct derives `serde`'s `Serialize` and `Deserialize` and `schemars`' `JsonSchema`, and
//! [`declare!`] gives it the name that plan files use. [`methods!`] lists the files of a family.
//! A [`Family`] then reads settings from plan files and from the command line
//! (`name(key=value)`), reports mistakes with their position and the nearest known key, and prints
//! tables for the documentation.
//!
//! The feature `declared` turns on everything but the macro [`methods!`]. A library crate has a
//! feature `settings = ["procrust-settings/declared", "dep:serde", "dep:schemars"]` and puts the derives
//! behind it, so that users who only call functions compile none of this.
//!
//! ```
//! # #[cfg(feature = "declared")] {
//! use std::sync::Arc;
//! use procrust_settings::{Entry, Family, declare};
//!
//! /// What every scaling can do.
//! trait Scale: Send + Sync {
//!     fn scale(&self, x: f64) -> f64;
//! }
//!
//! /// Multiplies by a constant.
//! #[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
//! #[serde(default, deny_unknown_fields)]
//! struct Constant {
//!     /// The factor.
//!     #[schemars(extend("exclusiveMinimum" = 0.0))]
//!     factor: f64,
//! }
//! impl Default for Constant {
//!     fn default() -> Self {
//!         Self { factor: 2.0 }
//!     }
//! }
//! declare!(Constant, "constant");
//! impl Scale for Constant {
//!     fn scale(&self, x: f64) -> f64 {
//!         self.factor * x
//!     }
//! }
//!
//! let constant = Entry::new(|settings: Constant| Arc::new(settings) as Arc<dyn Scale>);
//! let family = Family::new("scaling", [constant]);
//! let chosen = family.written("constant(factor=3)").unwrap();
//! assert_eq!(chosen.scale(2.0), 6.0);
//! assert_eq!(chosen.settings()["factor"], 3.0);
//! let mistake = family.written("constant(factr=3)").err().unwrap();
//! assert_eq!(mistake.message, "constant: key `factr` is not known; did you mean `factor`? (known: factor)");
//! # }
//! ```

#[cfg(feature = "declared")]
mod check;
#[cfg(feature = "declared")]
mod choice;
#[cfg(feature = "declared")]
pub mod coverage;
#[cfg(feature = "declared")]
mod declared;
#[cfg(feature = "declared")]
mod family;
#[cfg(feature = "declared")]
mod grammar;
mod list;
#[cfg(feature = "declared")]
mod node;
#[cfg(feature = "declared")]
mod or_word;
#[cfg(feature = "declared")]
mod table;
#[cfg(feature = "declared")]
mod words;

#[cfg(feature = "declared")]
pub use check::check;
#[cfg(feature = "declared")]
pub use choice::{Choice, Settings, labels};
#[cfg(feature = "declared")]
pub use declared::Declared;
#[cfg(feature = "declared")]
pub use family::{Entry, Family};
#[cfg(feature = "declared")]
pub use grammar::{Written, split_outside_brackets, written};
#[cfg(feature = "declared")]
pub use node::{Key, Mistake, Node, NodeKind};
#[cfg(feature = "declared")]
pub use or_word::{
    OrAll, OrAny, OrAuto, OrLedoitWolf, OrScale, or_all, or_any, or_auto, or_ledoit_wolf, or_scale,
};
#[cfg(feature = "declared")]
pub use table::{SettingRow, markdown_table, schema_of, setting_rows, summary_of};
#[cfg(feature = "declared")]
pub use words::unknown;

#[doc(hidden)]
#[cfg(feature = "declared")]
pub mod __private {
    pub use schemars;
    pub use serde;
}
