namespace EfficientConv.Dsl.Import;

/// <content>Constants, and what moves elements and computes nothing.</content>
internal sealed partial class Executor
{
    private static Tensor Constant(Node node) => node.Attributes.Values.FirstOrDefault() switch
    {
        Tensor tensor => tensor,
        float number => Tensor.Of([], [number]),
        long number => Tensor.Of([], [number]),
        float[] numbers => Tensor.Of([numbers.Length], numbers),
        long[] numbers => Tensor.Of([numbers.Length], numbers),
        _ => throw new ImportException("holds no numbers"),
    };

    private Tensor Filled(Node node, Tensor shape)
    {
        int[] dims = Whole(shape);
        Tensor value = node.Attributes.TryGetValue("value", out object? given) && given is Tensor { Count: 1 } one ? one : Tensor.Of([], [0f]);
        int count = Room(dims);
        return value.IsInteger ? Tensor.Of(dims, Enumerable.Repeat((long)value[0], count).ToArray()) : Tensor.Of(dims, Enumerable.Repeat((float)value[0], count).ToArray());
    }

    private Tensor Range(Tensor start, Tensor limit, Tensor step)
    {
        if (!start.IsKnown || !limit.IsKnown || !step.IsKnown || step[0] == 0)
            throw new ImportException("has a range that depends on the image");
        int count = Room([(int)Math.Clamp(Math.Ceiling((limit[0] - start[0]) / step[0]), 0, int.MaxValue / 8)]);
        return start.IsInteger ? Tensor.Of([count], Enumerable.Range(0, count).Select(i => (long)(start[0] + (i * step[0]))).ToArray()) : Tensor.Of([count], Enumerable.Range(0, count).Select(i => start[0] + (i * step[0])).ToArray());
    }

    private static Tensor Reshape(Tensor x, int[] shape, bool keepsZero)
    {
        int[] dims = [.. shape.Select((d, i) => d == 0 && !keepsZero ? x.Dims[i] : d)];
        int open = Array.IndexOf(dims, -1);
        if (open >= 0)
        {
            int rest = Tensor.Size([.. dims.Where((_, i) => i != open)]);
            dims[open] = rest == 0 ? 0 : x.Count / rest;
        }

        return x.Reshape(dims);
    }

    private static Tensor Squeeze(Tensor x, int[]? axes) => x.Reshape([.. x.Dims.Where((d, i) => axes is null ? d != 1 : !axes.Contains(i))]);

    private static Tensor Unsqueeze(Tensor x, int[] axes)
    {
        int rank = x.Dims.Length + axes.Length;
        int[] added = [.. axes.Select(axis => Axis(axis, rank))];
        Queue<int> rest = new(x.Dims);
        return x.Reshape([.. Enumerable.Range(0, rank).Select(i => added.Contains(i) ? 1 : rest.Dequeue())]);
    }

    private Tensor Transpose(Tensor x, int[] order)
    {
        if (!order.Order().SequenceEqual(Enumerable.Range(0, x.Dims.Length)))
            throw new ImportException($"orders {x.Dims.Length} dimensions as {string.Join(", ", order)}");
        int[] strides = Strides(x.Dims), steps = [.. order.Select(axis => strides[axis])];
        return order is [1, 0] && x.IsSingle ? x.Transpose() : Pick(x, [.. order.Select(axis => x.Dims[axis])], index => index.Select((i, d) => i * steps[d]).Sum());
    }

    private Tensor Concat(Tensor[] parts, int axis)
    {
        int[] dims = [.. parts[0].Dims];
        if (parts.Any(part => part.Dims.Length != dims.Length || part.Dims.Where((d, i) => i != axis && d != dims[i]).Any()))
            throw new ImportException($"joins {string.Join(" and ", parts.Select(part => part.ToString()))} along axis {axis}");
        dims[axis] = parts.Sum(part => part.Dims[axis]);
        if (parts.Any(part => !part.IsKnown))
            return Tensor.Unknown(dims);
        int inner = Tensor.Size(dims[(axis + 1)..]), outer = Tensor.Size(dims[..axis]);
        double[] result = new double[Room(dims)];
        int offset = 0;
        foreach (Tensor part in parts)
        {
            int run = part.Dims[axis] * inner;
            for (int i = 0; i < part.Count; i++)
                result[(i / run * dims[axis] * inner) + offset + (i % run)] = part[i];
            offset += run;
        }

        return parts.All(part => part.IsInteger) ? Tensor.Of(dims, Array.ConvertAll(result, value => (long)value)) : Tensor.Of(dims, result);
    }

    private Tensor Slice(Node node, Tensor x)
    {
        (int[] starts, int[] counts, int[] steps) = Slices(node, x);
        int[] strides = Strides(x.Dims);
        return Pick(x, counts, index => index.Select((i, d) => (starts[d] + (i * steps[d])) * strides[d]).Sum());
    }

    /// <summary>Start, count and step of each dimension.</summary>
    private (int[] Starts, int[] Counts, int[] Steps) Slices(Node node, Tensor x)
    {
        int[] from = node.Integers("starts") ?? Whole(Needed(node, 1)), to = node.Integers("ends") ?? Whole(Needed(node, 2));
        int[] axes = node.Integers("axes") ?? (At(node, 3) is { } given ? Whole(given) : [.. Enumerable.Range(0, from.Length)]), by = At(node, 4) is { } step ? Whole(step) : [.. from.Select(_ => 1)];
        int[] starts = new int[x.Dims.Length], counts = [.. x.Dims], steps = [.. x.Dims.Select(_ => 1)];
        for (int i = 0; i < from.Length; i++)
        {
            int axis = Axis(axes[i], x.Dims.Length), size = x.Dims[axis];
            if (by[i] == 0)
                throw new ImportException("has a step of 0");
            long start = from[i] < 0 ? (long)from[i] + size : from[i], end = to[i] < 0 ? (long)to[i] + size : to[i];
            (start, end) = by[i] > 0 ? (Math.Clamp(start, 0, size), Math.Clamp(end, 0, size)) : (Math.Clamp(start, 0, size - 1), Math.Clamp(end, -1, size - 1));
            starts[axis] = (int)start;
            steps[axis] = by[i];
            counts[axis] = (int)Math.Max(0, by[i] > 0 ? (end - start + by[i] - 1) / by[i] : (start - end - by[i] - 1) / -by[i]);
        }

        return (starts, counts, steps);
    }

    private Tensor[] Split(Node node, Tensor x)
    {
        int axis = Axis(node.Integer("axis", 0), x.Dims.Length), parts = node.Outputs.Count;
        int size = (x.Dims[axis] + parts - 1) / parts;
        int[] sizes = node.Integers("split") ?? (At(node, 1) is { } given ? Whole(given) : [.. Enumerable.Range(0, parts).Select(i => Math.Min(size, x.Dims[axis] - (i * size)))]);
        if (sizes.Length != parts || sizes.Any(part => part < 0) || sizes.Sum() != x.Dims[axis])
            throw new ImportException($"splits {x.Dims[axis]} into {string.Join(" + ", sizes)}");
        int[] strides = Strides(x.Dims);
        return [.. sizes.Select((count, part) =>
        {
            int[] dims = [.. x.Dims];
            dims[axis] = count;
            int start = sizes.Take(part).Sum();
            return Pick(x, dims, index => index.Select((i, d) => (d == axis ? i + start : i) * strides[d]).Sum());
        })];
    }

    private Tensor Gather(Tensor x, Tensor indices, int axis)
    {
        int[] chosen = [.. Whole(indices).Select(i => Axis(i, x.Dims[axis]))], dims = [.. x.Dims[..axis], .. indices.Dims, .. x.Dims[(axis + 1)..]];
        int inner = Tensor.Size(x.Dims[(axis + 1)..]);
        if (!x.IsKnown)
            return Tensor.Unknown(dims);
        int place = 0;
        return Pick(x, dims, _ =>
        {
            int i = place++, outer = i / (chosen.Length * inner), k = i / inner % chosen.Length;
            return (((outer * x.Dims[axis]) + chosen[k]) * inner) + (i % inner);
        });
    }

    private Tensor Pad(Node node, Tensor x)
    {
        int rank = x.Dims.Length;
        int[] pads = node.Integers("pads") ?? Whole(Needed(node, 1));
        if (At(node, 3) is { } axes)
        {
            int[] some = Whole(axes), all = new int[2 * rank];
            for (int i = 0; i < some.Length; i++)
                (all[Axis(some[i], rank)], all[rank + Axis(some[i], rank)]) = (pads[i], pads[i + some.Length]);
            pads = all;
        }

        double value = At(node, 2) is { Count: 1 } fill ? fill[0] : node.Number("value", 0);
        string mode = node.Text("mode", "constant");
        int[] dims = [.. x.Dims.Select((d, i) => d + pads[i] + pads[rank + i])], strides = Strides(x.Dims);
        return Pick(x, dims, index =>
        {
            int place = 0;
            for (int d = 0; d < rank; d++)
            {
                int i = index[d] - pads[d], last = x.Dims[d] - 1;
                if (i < 0 || i > last)
                {
                    if (mode == "constant")
                        return -1;
                    i = mode switch { "reflect" => i < 0 ? -i : (2 * last) - i, "edge" => Math.Clamp(i, 0, last), _ => throw new ImportException($"pads by {mode}") };
                }

                place += i * strides[d];
            }

            return place;
        }, value);
    }

    private Tensor DepthToSpace(Node node, Tensor x)
    {
        int block = (int)node.Integer("blocksize", 1), channels = x.Dims[1] / (block * block), height = x.Dims[2], width = x.Dims[3];
        bool isColumnFirst = node.Text("mode", "DCR") == "CRD";
        return Pick(x, [x.Dims[0], channels, height * block, width * block], index =>
        {
            int part = (index[2] % block * block) + (index[3] % block), channel = isColumnFirst ? (index[1] * block * block) + part : (part * channels) + index[1];
            return (((channel * height) + (index[2] / block)) * width) + (index[3] / block);
        });
    }
}
