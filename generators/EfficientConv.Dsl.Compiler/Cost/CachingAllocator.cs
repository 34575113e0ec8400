namespace EfficientConv.Dsl.Compiler.Cost;

/// <summary>
/// PyTorch's caching allocator for GPUs, by the rules G1 to G3 of docs/memory.md: what is asked of the driver is kept, cut up and used again.
/// Sizes and limits are those of c10/cuda/CUDACachingAllocator.cpp.
/// </summary>
public sealed class CachingAllocator
{
    /// <summary>Every size is rounded up to this.</summary>
    public const long Granularity = 512;

    /// <summary>Up to here a block is small and comes from a segment of <see cref="SmallSegment"/>.</summary>
    public const long LargestSmall = 1L << 20;

    /// <summary>A segment for small blocks.</summary>
    public const long SmallSegment = 2L << 20;

    /// <summary>Below this a large block comes from a segment of <see cref="LargeSegment"/>; from here on from one of its own.</summary>
    public const long SmallestOwn = 10L << 20;

    /// <summary>A segment for large blocks.</summary>
    public const long LargeSegment = 20L << 20;

    /// <summary>A segment of its own is rounded up to this.</summary>
    public const long OwnGranularity = 2L << 20;

    private readonly List<LinkedList<Block>> _segments = [];

    /// <summary>Bytes in blocks that are in use (<c>torch.cuda.memory_allocated</c>).</summary>
    public long Allocated { get; private set; }

    /// <summary>The most that ever were.</summary>
    public long PeakAllocated { get; private set; }

    /// <summary>Bytes taken from the driver (<c>torch.cuda.memory_reserved</c>).</summary>
    public long Reserved { get; private set; }

    /// <summary>Rule G1.</summary>
    public static long Round(long bytes) => bytes <= 0 ? 0 : (bytes + Granularity - 1) / Granularity * Granularity;

    /// <summary>Takes a block; what comes back is handed to <see cref="Free"/>. An empty tensor takes none.</summary>
    public object? Allocate(long bytes)
    {
        long size = Round(bytes);
        if (size == 0)
            return null;
        bool small = size <= LargestSmall;
        LinkedListNode<Block> node = BestFit(size, small) ?? NewSegment(size, small);
        Block block = node.Value;
        long rest = block.Size - size;

        // Rule G3: what is left of a small block is cut off; of a large one only if it is more than a small block.
        if (small ? rest >= Granularity : rest > LargestSmall)
        {
            block.Size = size;
            node.List!.AddAfter(node, new Block(rest, small));
        }

        block.InUse = true;
        Allocated += block.Size;
        PeakAllocated = Math.Max(PeakAllocated, Allocated);
        return node;
    }

    /// <summary>Gives a block back; free neighbours become one.</summary>
    public void Free(object? handle)
    {
        if (handle is not LinkedListNode<Block> node)
            return;
        Block block = node.Value;
        Allocated -= block.Size;
        block.InUse = false;
        LinkedList<Block> segment = node.List!;
        foreach (LinkedListNode<Block>? neighbour in new[] { node.Previous, node.Next })
        {
            if (neighbour is { Value.InUse: false })
            {
                block.Size += neighbour.Value.Size;
                segment.Remove(neighbour);
            }
        }
    }

    private LinkedListNode<Block>? BestFit(long size, bool small)
    {
        LinkedListNode<Block>? best = null;
        foreach (LinkedList<Block> segment in _segments)
        {
            for (LinkedListNode<Block>? node = segment.First; node is not null; node = node.Next)
            {
                if (!node.Value.InUse && node.Value.Small == small && node.Value.Size >= size && (best is null || node.Value.Size < best.Value.Size))
                    best = node;
            }
        }

        return best;
    }

    /// <summary>Rule G2.</summary>
    private LinkedListNode<Block> NewSegment(long size, bool small)
    {
        long bytes = small ? SmallSegment : size < SmallestOwn ? LargeSegment : (size + OwnGranularity - 1) / OwnGranularity * OwnGranularity;
        Reserved += bytes;
        LinkedList<Block> segment = [];
        _segments.Add(segment);
        return segment.AddFirst(new Block(bytes, small));
    }

    private sealed class Block(long size, bool small)
    {
        public long Size { get; set; } = size;

        public bool Small => small;

        public bool InUse { get; set; }
    }
}
