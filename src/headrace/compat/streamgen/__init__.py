"""StreamGen's names on headrace: ``from headrace.compat.streamgen.samplers.tree import SamplingTree``.

Modules, names, argument order and defaults are those of StreamGen 2. ``docs/how-to/trees.md`` lists what differs.
"""

from headrace.compat.streamgen import enums, exceptions, nodes, parameter, samplers, transforms, visualizations

__all__ = ["enums", "exceptions", "nodes", "parameter", "samplers", "transforms", "visualizations"]
