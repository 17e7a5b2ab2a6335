//! Files that mean more than their lines: manifests, lock files, settings.
