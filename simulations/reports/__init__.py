"""The pages a study and a comparison are looked at in: one file each, without a service."""
