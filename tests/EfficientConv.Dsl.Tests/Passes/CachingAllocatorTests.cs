using EfficientConv.Dsl.Compiler.Cost;
using EfficientConv.Dsl.Tests.Harness;

namespace EfficientConv.Dsl.Tests.Passes;

/// <summary>The model of PyTorch's caching allocator against the rules in its source.</summary>
public sealed class CachingAllocatorTests
{
    private const long Mebibyte = 1L << 20;

    [Theory]
    [InlineData(1, 512, 2)]
    [InlineData(512, 512, 2)]
    [InlineData(513, 1024, 2)]
    [InlineData(Mebibyte, Mebibyte, 2)]
    [InlineData(Mebibyte + 1, Mebibyte + 512, 20)]
    [InlineData((10 * Mebibyte) - 512, (10 * Mebibyte) - 512, 20)]
    [InlineData(10 * Mebibyte, 10 * Mebibyte, 10)]
    [InlineData((11 * Mebibyte) + 5, 12 * Mebibyte, 12)]
    [InlineData((12 * Mebibyte) + 5, (12 * Mebibyte) + 512, 14)]
    public void OneTensor_TakesItsRoundedSizeFromOneSegment(long bytes, long allocated, long reservedMebibytes)
    {
        CachingAllocator allocator = new();
        allocator.Allocate(bytes);
        Assert.Equal((allocated, reservedMebibytes * Mebibyte), (allocator.Allocated, allocator.Reserved));
    }

    [Fact]
    public void SmallTensors_ShareASegment()
    {
        CachingAllocator allocator = new();
        for (int i = 0; i < 4096; i++)
            allocator.Allocate(100);
        Assert.Equal(2 * Mebibyte, allocator.Reserved);
        allocator.Allocate(1);
        Assert.Equal(4 * Mebibyte, allocator.Reserved);
    }

    [Fact]
    public void WhatIsFreed_IsMergedAndUsedAgain()
    {
        CachingAllocator allocator = new();
        object?[] blocks = [.. Enumerable.Range(0, 3).Select(_ => allocator.Allocate(3 * Mebibyte))];
        foreach (object? block in blocks)
            allocator.Free(block);
        Assert.Equal(0, allocator.Allocated);
        allocator.Allocate(9 * Mebibyte);
        Assert.Equal((9 * Mebibyte, 20 * Mebibyte), (allocator.PeakAllocated, allocator.Reserved));
    }

    /// <summary>What is left of a large block is cut off only when it is more than a small block: else it is wasted with its owner.</summary>
    [Fact]
    public void SmallRestsOfLargeBlocks_StayWithTheirOwner()
    {
        CachingAllocator allocator = new();
        allocator.Allocate(9 * Mebibyte);
        allocator.Allocate(10 * Mebibyte);
        Assert.Equal(20 * Mebibyte, allocator.Reserved);
        Assert.Equal((9 + 11) * Mebibyte, allocator.Allocated);
    }

    /// <summary>x is 784 KiB and y 1,568 KiB; 64 KiB more or less of weights. The copy to NHWC is one more x at the start, which y outweighs.</summary>
    [Fact]
    public void Inference_CountsRoundedTensorsAndTheCopyToChannelsLast()
    {
        var standard = DeclarationText.Graph("[InputShape(64, 56, 56)] [Conv2d(128, padding: 1, bias: false)]");
        GpuBytes planar = GpuMemory.Inference(standard, 1, inputHeld: false, channelsLast: false);
        Assert.Equal(294_912 + 2_408_448, planar.Allocated);
        Assert.Equal((2 + 20) * Mebibyte, planar.Reserved);
        GpuBytes held = GpuMemory.Inference(standard, 1, inputHeld: true, channelsLast: true);
        Assert.Equal(294_912 + 2_408_448 + 802_816, held.Allocated);
    }

    [Fact]
    public void Training_HoldsWeightsFourTimesAndEverySavedTensor()
    {
        var graph = DeclarationText.Graph("[InputShape(64, 56, 56)] [Conv2d(128, padding: 1, bias: false), BatchNorm, ReLU]");
        long saved = TrainingMemory.Saved(graph).MapBytes;
        Assert.Equal(4_014_080, saved);
        GpuBytes gpu = GpuMemory.Training(graph, 32, channelsLast: false);

        // Weights and batch norm's two vectors four times; two buffers and the counter; two saved statistics. The two outputs of 49 MiB come from
        // segments of 50 MiB, of which 1 MiB is too little to be cut off.
        long parameters = (4 * (294_912 + 512 + 512)) + (2 * 512) + 512 + (2 * 512);
        Assert.Equal(parameters + (32 * saved) + (2 * Mebibyte), gpu.Allocated);
    }
}
