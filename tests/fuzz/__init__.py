"""Coverage-guided fuzzing of every driver's parser by atheris; not part of `make test` (see `make fuzz`)."""
