//! The facade layer: a typed catalogue of metrics, a registry, collectors and the exporter port.
