"""What the work on one input is made of: what names its results, what is finished, what runs at once."""
