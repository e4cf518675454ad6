//! Parts of declared settings that the derives of `serde` and `schemars` do not write.

/// Reads and writes an enum of a number and a word as either: `1.0` or `"ledoit-wolf"`.
macro_rules! number_or_word {
    ($type:ident, $number:ident, $other:ident = $word:literal, $schema:tt) => {
        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                match self {
                    Self::$number(value) => serializer.serialize_f64(*value),
                    Self::$other => serializer.serialize_str($word),
                }
            }
        }

        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                #[derive(serde::Deserialize)]
                #[serde(untagged)]
                enum Either {
                    Number(f64),
                    Word(String),
                }
                match Either::deserialize(deserializer)? {
                    Either::Number(value) => Ok(Self::$number(value)),
                    Either::Word(word) if word == $word => Ok(Self::$other),
                    Either::Word(word) => {
                        let message = format!("expected {:?}, found {word:?}", $word);
                        Err(serde::de::Error::custom(message))
                    }
                }
            }
        }

        impl schemars::JsonSchema for $type {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($type).into()
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({ "anyOf": [$schema, { "const": $word }] })
            }
        }
    };
}

/// Gives a type the schema of another, from which serde reads it.
macro_rules! schema_of_keys {
    ($type:ident, $keys:ident) => {
        impl schemars::JsonSchema for $type {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($type).into()
            }

            fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
                $keys::json_schema(generator)
            }
        }
    };
}

pub(crate) use {number_or_word, schema_of_keys};
