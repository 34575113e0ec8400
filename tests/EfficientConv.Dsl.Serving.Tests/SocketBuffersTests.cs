using System.Buffers;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace EfficientConv.Dsl.Serving.Tests;

public sealed class SocketBuffersTests
{
    private const int Size = 16 << 10;

    private readonly MemoryPool<byte> _pool = new SocketBuffers(Options.Create(new ConvNetServerOptions { SocketBufferBytes = Size })).Create();

    [Fact]
    public async Task Servers_ReadIntoThem()
    {
        await using TestServer server = await TestServer.StartAsync(options => options.SocketBufferBytes = Size);
        using MemoryPool<byte> pool = server.App.Services.GetRequiredService<IMemoryPoolFactory<byte>>().Create();
        Assert.Equal(Size, pool.MaxBufferSize);
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(1)]
    [InlineData(Size)]
    public void Blocks_AreWhole_WhateverIsAskedFor(int atLeast)
    {
        using IMemoryOwner<byte> block = _pool.Rent(atLeast);
        Assert.Equal(Size, block.Memory.Length);
    }

    [Fact]
    public void More_ThanABlock_IsRefused() => Assert.Throws<ArgumentOutOfRangeException>(() => _pool.Rent(Size + 1));

    [Fact]
    public void Returned_IsUsedAgain_ByOneAlone()
    {
        IMemoryOwner<byte> first = _pool.Rent();
        first.Memory.Span[0] = 42;
        first.Dispose();
        // Twice by mistake: it is there once.
        first.Dispose();
        using IMemoryOwner<byte> second = _pool.Rent(), third = _pool.Rent();
        Assert.Equal(42, second.Memory.Span[0]);
        Assert.False(second.Memory.Span.Overlaps(third.Memory.Span));
        Assert.Throws<ObjectDisposedException>(() => first.Memory);
    }

    [Fact]
    public void Burst_IsNotKept()
    {
        const int Burst = 1000;
        IMemoryOwner<byte>[] burst = [.. Enumerable.Range(0, Burst).Select(_ => _pool.Rent())];
        foreach (IMemoryOwner<byte> block in burst)
        {
            block.Memory.Span[0] = 42;
            block.Dispose();
        }

        // New ones are zero; those that were kept are not.
        IMemoryOwner<byte>[] again = [.. Enumerable.Range(0, Burst).Select(_ => _pool.Rent())];
        Assert.Equal((4 << 20) / Size, again.Count(block => block.Memory.Span[0] == 42));
    }
}
