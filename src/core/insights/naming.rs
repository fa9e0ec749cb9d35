//! What the tables of the data set are called, in every generation of its names.

use std::fmt;

/// What the rows of a table are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Entity {
    /// Images of assets, or of the street.
    Observations,
    /// Real-world objects.
    Assets,
    /// Point clouds.
    LidarMetadata,
}

/// The form of the images.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Product {
    /// The part of an image that shows an asset.
    Cropped,
    /// The whole image, with the asset's box.
    FullFrame,
    /// Frames of a panorama, without assets.
    Pano,
}

/// Which snapshots a table holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scope {
    /// The newest.
    Latest,
    /// All that have not expired.
    All,
}

/// What a table's name says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Meaning {
    /// What its rows are.
    pub entity: Entity,
    /// The form of its images; the name of an old table does not say it.
    pub product: Option<Product>,
    /// Which snapshots it holds.
    pub scope: Scope,
}

/// The table of snapshots, in every generation.
pub const SNAPSHOTS: &str = "snapshots";

/// Names of the sandbox of 2025 and of views that Google's samples made, none of which say a product.
const OLDEST: [(&str, Entity, Scope); 6] = [
    ("observations_view", Entity::Observations, Scope::Latest),
    ("urls_view", Entity::Observations, Scope::Latest),
    ("tracks_unnested", Entity::Observations, Scope::Latest),
    ("tracks_view", Entity::Assets, Scope::Latest),
    ("observations", Entity::Observations, Scope::Latest),
    ("assets", Entity::Assets, Scope::Latest),
];

const ENTITIES: [Entity; 3] = [Entity::Observations, Entity::Assets, Entity::LidarMetadata];
const PRODUCTS: [Product; 3] = [Product::Cropped, Product::FullFrame, Product::Pano];
const SCOPES: [Scope; 2] = [Scope::Latest, Scope::All];

impl Meaning {
    /// The names a table of this meaning may have, the preferred one first.
    #[must_use]
    pub fn names(self) -> Vec<String> {
        let Self { entity, product, scope } = self;
        let products = product.map_or_else(|| PRODUCTS.to_vec(), |product| vec![product]);
        let mut names = Vec::new();
        for product in products {
            names.push(format!("{product}_{entity}_{scope}"));
            // Before there were products, every image was cropped.
            if product == Product::Cropped && entity != Entity::LidarMetadata {
                names.push(format!("{scope}_{entity}"));
            }
        }
        names
    }

    /// What a name of any generation says; `None` for a name that is in none of them.
    #[must_use]
    pub fn of(name: &str) -> Option<Self> {
        let name = name.trim().to_ascii_lowercase();
        if let Some((_, entity, scope)) = OLDEST.iter().find(|(old, ..)| *old == name) {
            return Some(Self { entity: *entity, product: None, scope: *scope });
        }
        if name == "lidar_metadata" {
            return Some(Self { entity: Entity::LidarMetadata, product: None, scope: Scope::Latest });
        }
        for entity in ENTITIES {
            for scope in SCOPES {
                if name == format!("{scope}_{entity}") {
                    return Some(Self { entity, product: Some(Product::Cropped), scope });
                }
                for product in PRODUCTS {
                    if name == format!("{product}_{entity}_{scope}") {
                        return Some(Self { entity, product: Some(product), scope });
                    }
                }
            }
        }
        None
    }
}

impl Product {
    /// Reads a product by the name that tables or snapshots give it.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        match name.trim().to_ascii_lowercase().replace(['-', ' '], "_").as_str() {
            "cropped" | "crop" | "sv_cropped_assets" => Some(Self::Cropped),
            "full_frame" | "fullframe" | "sv_full_frame_assets" => Some(Self::FullFrame),
            "pano" | "panorama" | "panoramic" | "sv_pano" => Some(Self::Pano),
            _ => None,
        }
    }
}

impl fmt::Display for Entity {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Observations => "observations",
            Self::Assets => "assets",
            Self::LidarMetadata => "lidar_metadata",
        })
    }
}

impl fmt::Display for Product {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Cropped => "cropped",
            Self::FullFrame => "full_frame",
            Self::Pano => "pano",
        })
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Latest => "latest",
            Self::All => "all",
        })
    }
}

/// A class as the user writes it, in every spelling that tables have of it.
///
/// The list of classes grows, so that a class nobody has heard of is looked for as it is written.
#[must_use]
pub fn class_spellings(kind: &str) -> Vec<String> {
    let upper = kind.trim().to_uppercase().replace([' ', '-'], "_");
    let bare = upper.strip_prefix("ASSET_CLASS_").unwrap_or(&upper);
    let name = match bare {
        "SIGN" | "SIGNS" | "ROAD_SIGNS" => "ROAD_SIGN",
        "POLE" | "POLES" | "UTILITY_POLES" => "UTILITY_POLE",
        "COVER" | "COVERS" | "MANHOLE" | "MANHOLE_COVER" | "MAINTENANCE_COVERS" => "MAINTENANCE_COVER",
        other => other,
    };
    let mut spellings = vec![format!("ASSET_CLASS_{name}"), name.to_owned()];
    if name == "MAINTENANCE_COVER" {
        spellings.push(format!("ASSET_CLASS_{name}S"));
    }
    let as_written = kind.trim();
    if as_written != bare && as_written != upper && as_written.contains(|letter: char| !letter.is_ascii()) {
        spellings.push(as_written.to_owned());
    }
    spellings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meaning(entity: Entity, product: Option<Product>, scope: Scope) -> Meaning {
        Meaning { entity, product, scope }
    }

    #[test]
    fn the_newest_name_comes_first_and_the_old_ones_mean_the_cropped_product() {
        let cropped = meaning(Entity::Observations, Some(Product::Cropped), Scope::Latest);
        assert_eq!(cropped.names(), ["cropped_observations_latest", "latest_observations"]);
        assert_eq!(
            meaning(Entity::Assets, None, Scope::All).names(),
            ["cropped_assets_all", "all_assets", "full_frame_assets_all", "pano_assets_all"]
        );
        assert_eq!(
            meaning(Entity::LidarMetadata, Some(Product::FullFrame), Scope::All).names(),
            ["full_frame_lidar_metadata_all"]
        );
    }

    #[test]
    fn a_name_of_any_generation_has_its_meaning() {
        for (name, expected) in [
            ("latest_observations", meaning(Entity::Observations, Some(Product::Cropped), Scope::Latest)),
            ("all_assets", meaning(Entity::Assets, Some(Product::Cropped), Scope::All)),
            ("pano_observations_all", meaning(Entity::Observations, Some(Product::Pano), Scope::All)),
            ("Tracks_Unnested", meaning(Entity::Observations, None, Scope::Latest)),
            ("tracks_view", meaning(Entity::Assets, None, Scope::Latest)),
            (
                "full_frame_lidar_metadata_latest",
                meaning(Entity::LidarMetadata, Some(Product::FullFrame), Scope::Latest),
            ),
        ] {
            assert_eq!(Meaning::of(name), Some(expected), "{name}");
        }
        assert_eq!(Meaning::of("my_own_table"), None);
    }

    #[test]
    fn a_class_is_looked_for_in_every_spelling() {
        for kind in ["ROAD_SIGN", "ASSET_CLASS_ROAD_SIGN", "sign", "Road signs", "road-sign"] {
            assert_eq!(class_spellings(kind), ["ASSET_CLASS_ROAD_SIGN", "ROAD_SIGN"], "{kind}");
        }
        assert!(class_spellings("manhole").contains(&"ASSET_CLASS_MAINTENANCE_COVERS".to_owned()));
    }

    #[test]
    fn a_class_nobody_has_heard_of_is_looked_for_as_it_is_written() {
        assert_eq!(class_spellings("hydrant"), ["ASSET_CLASS_HYDRANT", "HYDRANT"]);
        assert_eq!(class_spellings("x'; DROP TABLE y --")[1], "X';_DROP_TABLE_Y___");
    }
}
