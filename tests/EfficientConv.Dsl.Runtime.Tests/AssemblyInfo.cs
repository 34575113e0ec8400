// Some tests measure allocations and processor time of the whole process.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
