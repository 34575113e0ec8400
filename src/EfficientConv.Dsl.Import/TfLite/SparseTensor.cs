namespace EfficientConv.Dsl.Import.TfLite;

/// <summary>
/// Where the stored values of a sparse tensor stand. The file walks its dimensions in an order of its own, some of them cut into blocks, and each level is either dense or lists,
/// for every place of the level before, the indices that are there.
/// </summary>
internal static class SparseTensor
{
    /// <summary>The place in the dense tensor of every stored value.</summary>
    public static int[] Places(FlatTable sparsity, int[] dims)
    {
        int[] order = sparsity.Integers(0), blocked = sparsity.Integers(1);
        FlatTable[] levels = sparsity.Tables(2);
        int rank = dims.Length;
        if (Tensor.Size(dims) == 0)
            return [];
        if (order.Length != levels.Length || order.Length != rank + blocked.Length || !order.Order().SequenceEqual(Enumerable.Range(0, order.Length))
            || blocked.Any(axis => axis < 0 || axis >= rank) || blocked.Distinct().Count() != blocked.Length)
            throw new ImportException($"a sparse tensor of shape {Tensor.Text(dims)} has {levels.Length} levels in the order {string.Join(", ", order.Take(16))}");

        // How far a step along each level goes in the dense tensor, and how many steps there are.
        int[] strides = new int[order.Length], extents = new int[order.Length];
        for (int axis = rank - 1, step = 1; axis >= 0; step *= dims[axis--])
            (strides[axis], extents[axis]) = (step, dims[axis]);
        for (int block = 0; block < blocked.Length; block++)
        {
            int axis = blocked[block], size = levels[Array.IndexOf(order, rank + block)].Integer(1);
            if (size < 1 || dims[axis] % size != 0)
                throw new ImportException($"a sparse tensor of shape {Tensor.Text(dims)} has blocks of {size} along dimension {axis}");
            (strides[rank + block], extents[rank + block]) = (strides[axis], size);
            strides[axis] *= size;
            extents[axis] /= size;
        }

        int[] places = [0];
        for (int level = 0; level < levels.Length; level++)
        {
            (int stride, int extent) = (strides[order[level]], extents[order[level]]);
            bool isDense = levels[level].Byte(0) == 0;
            places = isDense ? Dense(places, stride, extent, levels[level].Integer(1), dims) : Sparse(places, stride, extent, Indices(levels[level], 2), Indices(levels[level], 4));
        }

        return places;
    }

    private static int[] Dense(int[] places, int stride, int extent, int size, int[] dims)
    {
        if (size != extent)
            throw new ImportException($"a sparse tensor of shape {Tensor.Text(dims)} has a level of {size} (expected {extent})");
        int[] next = new int[Tensor.Size([places.Length, extent])];
        for (int i = 0; i < next.Length; i++)
            next[i] = places[i / extent] + (i % extent * stride);
        return next;
    }

    private static int[] Sparse(int[] places, int stride, int extent, int[] segments, int[] indices)
    {
        if (segments.Length != places.Length + 1 || segments[0] != 0 || segments[^1] != indices.Length || segments.Zip(segments.Skip(1)).Any(pair => pair.First > pair.Second)
            || indices.Any(i => i < 0 || i >= extent))
            throw new ImportException("a sparse tensor has indices outside of its shape");
        int[] next = new int[indices.Length];
        for (int i = 0; i < places.Length; i++)
        {
            for (int k = segments[i]; k < segments[i + 1]; k++)
                next[k] = places[i] + (indices[k] * stride);
        }

        return next;
    }

    /// <summary>Indices as 32-, 16- or 8-bit numbers: a union of three tables with one vector each.</summary>
    private static int[] Indices(FlatTable level, int field) => level.Table(field + 1) is not { } table ? [] : level.Byte(field) switch
    {
        1 => table.Integers(0),
        2 => table.Shorts(0),
        3 => table.ByteValues(0),
        var kind => throw new ImportException($"a sparse tensor has indices of the kind {kind}"),
    };
}
