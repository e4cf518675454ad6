//! Linear models of labelled rows, and what base classes teach about new ones.

pub(crate) mod discriminant;
pub(crate) mod fisher;
pub(crate) mod linear;
pub(crate) mod logistic;
pub(crate) mod means;
pub(crate) mod ridge;
