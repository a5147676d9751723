//! Small multilayer perceptrons and their optimisers. Knows no physics.
