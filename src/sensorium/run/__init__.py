"""The main job: inputs, plan, work, extract; and the same models on a stream."""
