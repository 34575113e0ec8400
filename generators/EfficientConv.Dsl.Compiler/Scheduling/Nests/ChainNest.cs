using EfficientConv.Dsl.Compiler.Graph;
using EfficientConv.Dsl.Compiler.Model;

namespace EfficientConv.Dsl.Compiler.Scheduling.Nests;

/// <summary>A block of a chain: a layer that fills a ring, a depthwise layer over it, and a projection that makes a row for the next block.</summary>
/// <param name="Number">Its place in the chain, from 1 on.</param>
/// <param name="Stem">A convolution with a window that fills the ring, of the first block, or null.</param>
/// <param name="Expand">The 1x1 convolution that fills the ring, or null where rows of the block before it, or of the input, do.</param>
/// <param name="Depthwise">The depthwise layer.</param>
/// <param name="Project">Projection of one row.</param>
/// <param name="Input">The map that the block reads.</param>
/// <param name="Output">The map that it makes.</param>
/// <param name="Weights">Where the weights lie.</param>
/// <param name="Memory">Where the rows lie.</param>
internal sealed record ChainBlock(
    int Number, StemPart? Stem, PointwiseKernel? Expand, DepthwiseLayer Depthwise, PointwiseKernel Project, Shape Input, Shape Output, BlockWeights Weights, ChainMemory Memory);

/// <summary>A thread's rows of a block, in its scratch memory.</summary>
/// <param name="Ring">The ring under the depthwise layer's window.</param>
/// <param name="Input">Rows of the block's input before an expansion: one, or as many as the ring's where the block adds its input.</param>
/// <param name="InputRows">How many.</param>
/// <param name="InputPixelStep">Floats from a pixel of them to the next.</param>
/// <param name="DepthwiseRow">The depthwise layer's row.</param>
internal sealed record ChainMemory(ArenaOffset Ring, ArenaOffset Input, int InputRows, int InputPixelStep, ArenaOffset DepthwiseRow);

/// <summary>
/// Several blocks row by row in one step. A row of the last block's output is made of the rows under its depthwise window, these, where they are not in their ring yet, of rows of the block
/// before, and so on to the input: of all the maps between there are never more than the rows under the windows. Threads share the rows of the last block's output, and make the rows
/// around their own again.
/// </summary>
/// <param name="title">Title.</param>
/// <param name="input">Input.</param>
/// <param name="output">Output.</param>
/// <param name="blocks">The blocks.</param>
/// <param name="finish">What is done with a row of the output.</param>
/// <param name="weightElements">Elements of all weights.</param>
internal sealed class ChainNest(string title, TensorView input, TensorView output, IReadOnlyList<ChainBlock> blocks, Finish finish, long weightElements)
{
    private readonly NestBuilder _nest = new();
    private readonly RowRing[] _rings =
        [.. blocks.Select(block => new RowRing(FormattableString.Invariant($"Hidden{block.Number}"), block.Depthwise.Axis, block.Depthwise.Kernel.Source, Storage.Input))];

    private readonly LayerWeights?[] _fill = new LayerWeights?[blocks.Count];
    private readonly LayerWeights[] _depthwise = new LayerWeights[blocks.Count], _project = new LayerWeights[blocks.Count];
    private readonly Storage[] _depthwiseRows = new Storage[blocks.Count], _inputRows = new Storage[blocks.Count];

    /// <summary>The nest.</summary>
    public LoopNest Build()
    {
        for (int i = 0; i < blocks.Count; i++)
            DeclareWeights(i, blocks[i]);
        Storage own = _nest.Bind("own", Pointer.Own);
        blocks[0].Stem?.Declare(_nest, own);
        for (int i = 0; i < blocks.Count; i++)
            DeclareRows(i, blocks[i].Memory, own);
        Storage? buffer = finish.Buffer is { } offset ? _nest.Bind("outputRow", own.At(offset)) : null;
        _nest.Blank();
        Variable y = new("y");
        using (_nest.Parallel(y, output.Shape.Height))
        {
            Pointer target = output.RowAt(Storage.Output, y);
            MakeRow(blocks.Count - 1, y, buffer ?? target);
            int step = blocks[blocks.Count - 1].Project.OutRowStep, width = output.Shape.Width;
            _nest.Finish(finish, buffer ?? target, step, width, output, output.PixelAt(Storage.Output, y * width), (double)width * output.Shape.Channels);
        }

        return new LoopNest(title, input, null, output, _nest.Build(), weightElements)
        {
            Form = FormattableString.Invariant($"{blocks.Count} blocks row by row"),
            HasStem = blocks[0].Stem is not null,
        };
    }

    private void DeclareWeights(int i, ChainBlock block)
    {
        string number = FormattableString.Invariant($"{block.Number}");
        if (block.Stem is not null)
            _fill[i] = BlockWeights.Declare(_nest, "stem", block.Weights.Expand, block.Weights.ExpandBias);
        else if (block.Expand is not null)
            _fill[i] = BlockWeights.Declare(_nest, "expand" + number, block.Weights.Expand, block.Weights.ExpandBias);
        _depthwise[i] = BlockWeights.Declare(_nest, "depthwise" + number, block.Weights.Depthwise, block.Weights.DepthwiseBias);
        _project[i] = BlockWeights.Declare(_nest, "project" + number, block.Weights.Project, block.Weights.ProjectBias);
    }

    private void DeclareRows(int i, ChainMemory memory, Storage own)
    {
        string number = FormattableString.Invariant($"{blocks[i].Number}");
        if (memory.InputRows > 0)
            _inputRows[i] = _nest.Bind(FormattableString.Invariant($"input{number}Rows"), own.At(memory.Input));
        _rings[i].Declare(_nest, own.At(memory.Ring));
        _depthwiseRows[i] = _nest.Bind(FormattableString.Invariant($"depthwise{number}Row"), own.At(memory.DepthwiseRow));
    }

    /// <summary>Row <paramref name="y"/> of a block's output, after the rows of its ring that are still missing.</summary>
    private void MakeRow(int i, Scalar y, Pointer destination)
    {
        ChainBlock block = blocks[i];
        RowRing ring = _rings[i];
        ring.PlaceWindow(_nest, y);
        ring.Fill(_nest, ring.Rows, ring.Axis.Height / (double)block.Output.Height, (row, slot) => FillRow(i, row, slot));
        _nest.Add(new Call(block.Depthwise.Kernel, ring.Begin, _depthwiseRows[i])
        {
            Rows = ring.Arguments.ToEquatableArray(),
            Weights = _depthwise[i].Weights,
            Bias = _depthwise[i].Bias,
        });
        _nest.Add(new Call(block.Project, _depthwiseRows[i], destination)
        {
            Weights = _project[i].Weights,
            Bias = _project[i].Bias,
            Residual = block.Project.Epilogue.AddsResidual ? InputRow(i, y) : null,
        });
    }

    /// <summary>A row of a block's ring: computed of the input or of a row of the block before, which is made now.</summary>
    private void FillRow(int i, Scalar row, Pointer slot)
    {
        ChainBlock block = blocks[i];
        Storage hidden = _nest.Bind(FormattableString.Invariant($"hidden{block.Number}Row"), slot);
        if (block.Stem is { } stem)
        {
            stem.MakeRow(_nest, _fill[i]!, row, hidden);
        }
        else if (i == 0 && block.Expand is null)
        {
            _nest.Add(new LoadRow(RowLoad.Copy, input, block.Depthwise.Kernel.Source, row, hidden, MayBeImage: true));
        }
        else if (block.Expand is null)
        {
            MakeRow(i - 1, row, hidden);
        }
        else
        {
            Pointer read = i == 0 ? input.RowAt(Storage.Input, row) : _nest.Bind(FormattableString.Invariant($"input{block.Number}Row"), InputRow(i, row));
            if (i > 0)
                MakeRow(i - 1, row, read);
            _nest.Add(new Call(block.Expand, read, hidden) { Weights = _fill[i]!.Weights, Bias = _fill[i]!.Bias });
        }
    }

    private Pointer InputRow(int i, Scalar row)
    {
        ChainMemory memory = blocks[i].Memory;
        return memory.InputRows == 1 ? _inputRows[i] : _inputRows[i].At((row % memory.InputRows) * (blocks[i].Input.Width * memory.InputPixelStep));
    }
}
