//! A sentence encoder that ships.
