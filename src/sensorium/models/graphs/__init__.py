"""Graphs for onnxruntime, made of weights once: read without torch, written with onnx alone."""
