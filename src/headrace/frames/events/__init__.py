"""Events of pixels: as arrays, in files, as streams and counted in frames; what makes them of frames is in sensors."""
