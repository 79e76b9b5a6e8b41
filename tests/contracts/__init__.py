"""What every port promises: one class per port; each adapter and each shipped fake is held to it.

A test class names the model in a fixture `model` of class scope, and says the same of weights in
`spoilt`, if it has any.
"""
