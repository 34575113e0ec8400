using System.Buffers;
using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Options;

namespace EfficientConv.Dsl.Serving;

/// <summary>
/// The memory that Kestrel reads sockets into. Its own comes in blocks of 4 KB, each with a call of the system and a wake-up of the reader: 150 of them for an image of 600 KB,
/// which is more than the copy itself. A connection that is idle has no block.
/// </summary>
internal sealed class SocketBuffers(IOptions<ConvNetServerOptions> options) : IMemoryPoolFactory<byte>
{
    public MemoryPool<byte> Create(MemoryPoolOptions? poolOptions = null) => new Pool(options.Value.SocketBufferBytes);

    private sealed class Pool(int size) : MemoryPool<byte>
    {
        /// <summary>Free blocks that are kept, in bytes; more of them, after a burst, are left to the collector.</summary>
        private const int MostKept = 4 << 20;

        private readonly ConcurrentStack<byte[]> _free = new();
        private int _kept;

        public override int MaxBufferSize => size;

        public override IMemoryOwner<byte> Rent(int minBufferSize = -1)
        {
            ArgumentOutOfRangeException.ThrowIfGreaterThan(minBufferSize, size);
            if (_free.TryPop(out byte[]? block))
                Interlocked.Add(ref _kept, -size);
            else
                block = GC.AllocateUninitializedArray<byte>(size, pinned: true);
            return new Lease(this, block);
        }

        protected override void Dispose(bool disposing) => _free.Clear();

        private void Return(byte[] block)
        {
            if (Interlocked.Add(ref _kept, size) <= MostKept)
                _free.Push(block);
            else
                Interlocked.Add(ref _kept, -size);
        }

        /// <summary>A block on loan. What has given it back cannot reach it any more, so that a late use is an error and not another request's bytes.</summary>
        private sealed class Lease(Pool pool, byte[] block) : IMemoryOwner<byte>
        {
            private byte[]? _block = block;

            public Memory<byte> Memory => MemoryMarshal.CreateFromPinnedArray(_block ?? throw new ObjectDisposedException(nameof(Lease)), 0, pool.MaxBufferSize);

            public void Dispose()
            {
                if (Interlocked.Exchange(ref _block, null) is { } owned)
                    pool.Return(owned);
            }
        }
    }
}
