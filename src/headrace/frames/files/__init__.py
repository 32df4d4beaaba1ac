"""Arrays of frames in files, in and out: npy, HDF5, Inrimage; which files, in which order; no pictures, no video."""
