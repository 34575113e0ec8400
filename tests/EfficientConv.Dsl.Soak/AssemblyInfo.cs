// Memory and handles are the whole process's.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
