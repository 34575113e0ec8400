using EfficientConv.Dsl.Compiler.Graph;
using EfficientConv.Dsl.Compiler.Model;

namespace EfficientConv.Dsl.Compiler.Folding;

/// <summary>
/// Folds batch norm into the convolution before it (Jacob et al. 2018, section 3.2), takes the residual as the accumulators' initial value and
/// the activation into the epilogue, with one more batch norm that the weights cannot take, zeros around the map into the convolution after them, and
/// gathers the five layers of a squeeze-and-excitation.
/// </summary>
public static class OperatorFolding
{
    /// <summary>Folds <paramref name="graph"/>.</summary>
    public static StageGraph Fold(LayerGraph graph) => new Folder(graph with { Layers = graph.Layers.Select(layer => AtInference(graph, layer)).ToEquatableArray() }).Run();

    private static Layer AtInference(LayerGraph graph, Layer layer) =>
        layer.Inputs.Count == 0 ? layer : layer with { Operator = layer.Operator.AtInference(graph.Layers[layer.Inputs[0]].Output) };

    /// <summary>What an epilogue computes after its sum, and the layers that say so.</summary>
    private sealed record Tail(ActivationFunction Activation, PReLUOperator? PReLU, ScaleShift? ScaleShift, IReadOnlyList<Layer> Layers);

    private sealed class Folder(LayerGraph graph)
    {
        private readonly int[] _uses = graph.CountUses();
        private readonly int[] _stageOf = Enumerable.Repeat(-1, graph.Layers.Count).ToArray();
        private readonly List<Stage> _stages = [];
        private readonly Dictionary<int, EquatableArray<int>> _interleaved = [];

        public StageGraph Run()
        {
            foreach (Layer layer in graph.Layers)
            {
                if (_stageOf[layer.Id] < 0)
                    FoldFrom(layer);
            }

            WinogradChoice choice = new(_stages.OfType<ConvolutionStage>().Sum(stage => (long)stage.Taps * stage.Output.Channels));
            ILookup<int, int> layers = graph.Layers.ToLookup(layer => _stageOf[layer.Id], layer => layer.Id);
            EquatableArray<Stage> stages = _stages.Select(stage => (stage is ConvolutionStage c ? c with { Winograd = choice.FormOf(c) } : stage) with { LayerIds = layers[stage.Id].ToEquatableArray() }).ToEquatableArray();
            return new StageGraph(graph.IsChannelsLast, stages, graph.Outputs.Select(o => _stageOf[o.Layer]).ToEquatableArray());
        }

        private void FoldFrom(Layer layer)
        {
            int id = _stages.Count;
            EquatableArray<int> inputs = layer.Inputs.Select(i => _stageOf[i]).ToEquatableArray();
            Shape input = layer.Inputs.Count == 0 ? layer.Output : graph.Layers[layer.Inputs[0]].Output, output = layer.Output;
            string name = layer.Name;
            switch (layer.Operator)
            {
                case ConvolutionOperator convolution when graph.Layers[layer.Inputs[0]] is { Operator: PadOperator pad } padded && IsOfConvolution(padded):
                    FoldConvolution(layer, convolution with { Padding = convolution.Padding.Plus(pad.Padding) }, inputs, graph.Layers[padded.Inputs[0]].Output);
                    return;
                case ConvolutionOperator convolution:
                    FoldConvolution(layer, convolution, inputs, input);
                    return;
                case PadOperator pad when pad.Padding.IsZero || IsOfConvolution(layer):
                    _stageOf[layer.Id] = inputs[0];
                    return;
                case GlobalAveragePoolOperator when MatchSqueeze(layer) is { } squeeze:
                    return;
                case InputOperator:
                    Emit(layer, new InputStage(id, name, output));
                    return;
                case GlobalAveragePoolOperator:
                    Emit(layer, new GlobalAveragePoolStage(id, name, inputs, input, output));
                    return;
                case BatchNormOperator op:
                    Emit(layer, new BatchNormStage(id, name, inputs, input, output, op));
                    return;
                case ActivationOperator { Function.IsNone: true }:
                    _stageOf[layer.Id] = inputs[0];
                    return;
                case ActivationOperator op:
                    Emit(layer, new ActivationStage(id, name, inputs, input, output, op.Function));
                    return;
                case PReLUOperator op:
                    Emit(layer, new PReLUStage(id, name, inputs, input, output, op));
                    return;
                case PoolOperator op:
                    Emit(layer, new PoolStage(id, name, inputs, input, output, op));
                    return;
                case FlattenOperator when input.Pixels == 1:
                    _stageOf[layer.Id] = inputs[0];
                    return;
                case FlattenOperator when FlattenedLinear(layer) is { } linear:
                    // The linear layer reads the map itself: its kernel covers it, in PyTorch's order of weights.
                    _stageOf[layer.Id] = inputs[0];
                    ConvolutionOperator covering = (ConvolutionOperator)linear.Operator;
                    FoldConvolution(linear, covering with { Kernel = new Extent(input.Height, input.Width) }, inputs, input);
                    return;
                case FlattenOperator:
                    Emit(layer, new FlattenStage(id, name, inputs, input, output));
                    return;
                case ChannelShuffleOperator when _interleaved.TryGetValue(layer.Id, out EquatableArray<int> parts):
                    FoldInterleave(layer, parts);
                    return;
                case ChannelShuffleOperator op:
                    Emit(layer, new ShuffleStage(id, name, inputs, input, output, op.Groups));
                    return;
                case MultiplyOperator:
                    Emit(layer, new MultiplyStage(id, name, inputs, input, output, ByChannel: false));
                    return;
                case ScaleOperator:
                    Emit(layer, new MultiplyStage(id, name, inputs, input, output, ByChannel: input.Pixels > 1));
                    return;
                case UpsampleOperator same when output == input && same.RowStep(input) == 1 && same.ColumnStep(input) == 1:
                    _stageOf[layer.Id] = inputs[0];
                    return;
                case UpsampleOperator op:
                    Emit(layer, new UpsampleStage(id, name, inputs, input, output, op));
                    return;
                case PixelShuffleOperator { Factor: 1 }:
                    _stageOf[layer.Id] = inputs[0];
                    return;
                case PixelShuffleOperator op:
                    Emit(layer, new PixelShuffleStage(id, name, inputs, input, output, op.Factor));
                    return;
                case AdaptivePoolOperator op:
                    Emit(layer, new AdaptivePoolStage(id, name, inputs, input, output, op.IsMaximum));
                    return;
                case TransposedConvolutionOperator op:
                    FoldTransposed(layer, op, inputs, input);
                    return;
                case AddOperator when input != output:
                    Emit(layer, new AddStage(id, name, EquatableArray.Of(inputs[1], inputs[0]), output, output));
                    return;
                case AddOperator:
                    Emit(layer, new AddStage(id, name, inputs, input, output));
                    return;
                case ConcatOperator when IsInterleaved(layer):
                    _interleaved.Add(SoleReader(layer)!.Id, inputs);
                    _stageOf[layer.Id] = inputs[0];
                    return;
                case ConcatOperator when inputs.Count == 1:
                    _stageOf[layer.Id] = inputs[0];
                    return;
                case ConcatOperator:
                    Emit(layer, new ConcatStage(id, name, inputs, input, output));
                    return;
                case SliceOperator op when _interleaved.TryGetValue(layer.Inputs[0], out EquatableArray<int> halves) && _stageOf[layer.Inputs[0]] == halves[0]:
                    Emit(layer, new InterleaveStage(id, name, halves, _stages[halves[0]].Output, output, op.Start / 2));
                    return;
                case SliceOperator when output == input:
                    _stageOf[layer.Id] = inputs[0];
                    return;
                case SliceOperator op:
                    Emit(layer, new SliceStage(id, name, inputs, input, output, op.Start));
                    return;
                case LayerNormOperator op:
                    Emit(layer, new LayerNormStage(id, name, inputs, input, output, op));
                    return;
                case LayerScaleOperator op:
                    Emit(layer, new LayerScaleStage(id, name, inputs, input, output, op));
                    return;
                case SoftmaxOperator:
                    Emit(layer, new SoftmaxStage(id, name, inputs, input, output));
                    return;
                default:
                    Emit(layer, new FunctionStage(id, name, inputs, input, output, layer.Operator));
                    return;
            }
        }

        private void Emit(Layer layer, Stage stage)
        {
            _stageOf[layer.Id] = stage.Id;
            _stages.Add(stage);
        }

        private void FoldConvolution(Layer layer, ConvolutionOperator convolution, EquatableArray<int> inputs, Shape input)
        {
            List<Layer> taken = [layer];
            Layer last = layer;
            BatchNormOperator? batchNorm = null;
            int residual = -1;
            if (SoleReader(last) is { Operator: BatchNormOperator norm } normLayer)
            {
                batchNorm = norm;
                Take(normLayer);
            }

            LayerScaleOperator? layerScale = null;
            if (SoleReader(last) is { Operator: LayerScaleOperator scale } scaleLayer)
            {
                layerScale = scale;
                Take(scaleLayer);
            }

            if (SoleReader(last) is { Operator: AddOperator } add)
            {
                int other = add.Inputs[0] == last.Id ? add.Inputs[1] : add.Inputs[0];
                if (other != last.Id && _stageOf[other] >= 0 && last.Output == add.Output)
                {
                    residual = _stageOf[other];
                    Take(add);
                }
            }

            if (residual >= 0)
                inputs = inputs.Append(residual).ToEquatableArray();
            ConvolutionStage stage = new(_stages.Count, layer.Name, inputs, input, last.Output, convolution, batchNorm, residual >= 0, ActivationFunction.None)
            {
                LayerScale = layerScale,
            };

            Tail tail = TailAfter(last);
            stage = stage with { Activation = tail.Activation, PReLU = tail.PReLU, ScaleShift = tail.ScaleShift };
            taken.AddRange(tail.Layers);
            foreach (Layer part in taken)
                _stageOf[part.Id] = stage.Id;
            _stages.Add(stage);

            void Take(Layer next)
            {
                taken.Add(next);
                last = next;
            }
        }

        private void FoldTransposed(Layer layer, TransposedConvolutionOperator convolution, EquatableArray<int> inputs, Shape input)
        {
            List<Layer> taken = [layer];
            BatchNormOperator? batchNorm = null;
            if (SoleReader(layer) is { Operator: BatchNormOperator norm } normLayer)
            {
                batchNorm = norm;
                taken.Add(normLayer);
            }

            Tail tail = TailAfter(taken[taken.Count - 1]);
            taken.AddRange(tail.Layers);
            TransposedStage stage = new(_stages.Count, layer.Name, inputs, input, layer.Output, convolution, batchNorm, tail.Activation)
            {
                PReLU = tail.PReLU,
                ScaleShift = tail.ScaleShift,
            };
            foreach (Layer part in taken)
                _stageOf[part.Id] = stage.Id;
            _stages.Add(stage);
        }

        /// <summary>What an epilogue computes of a finished sum: an activation and one batch norm, or factors, on one side of it.</summary>
        private Tail TailAfter(Layer last)
        {
            List<Layer> layers = [];
            ActivationFunction activation = ActivationFunction.None;
            PReLUOperator? prelu = null;
            ScaleShift? scale = TakeScale(isBeforeActivation: true);
            if (SoleReader(last) is { Operator: ActivationOperator or PReLUOperator } function)
            {
                (activation, prelu) = FunctionOf(function);
                Take(function);

                // What is after an activation that is a pass over finished rows is a pass as well.
                if (activation.IsInline)
                    scale ??= TakeScale(isBeforeActivation: false);
            }

            return new Tail(activation, prelu, scale, layers);

            ScaleShift? TakeScale(bool isBeforeActivation)
            {
                if (SoleReader(last) is not { Operator: BatchNormOperator or LayerScaleOperator } found)
                    return null;
                Take(found);
                return new ScaleShift(found.Operator, isBeforeActivation);
            }

            void Take(Layer next)
            {
                layers.Add(next);
                last = next;
            }
        }

        private static (ActivationFunction Function, PReLUOperator? Learned) FunctionOf(Layer layer) => layer.Operator is PReLUOperator learned
            ? (new ActivationFunction(ActivationKind.PReLU), learned)
            : (((ActivationOperator)layer.Operator).Function, null);

        /// <summary>Two tensors of equal width, joined only to be shuffled in two groups: ShuffleNetV2's way to let its branches meet.</summary>
        private bool IsInterleaved(Layer concat) =>
            concat.Inputs.Count == 2 && graph.Layers[concat.Inputs[0]].Output == graph.Layers[concat.Inputs[1]].Output &&
            SoleReader(concat) is { Operator: ChannelShuffleOperator { Groups: 2 } };

        /// <summary>The shuffled tensor as a whole, unless only halves of it are read: then each is made by itself.</summary>
        private void FoldInterleave(Layer shuffle, EquatableArray<int> parts)
        {
            Layer[] readers = graph.Layers.Where(l => l.Inputs.Contains(shuffle.Id)).ToArray();
            bool onlyHalves = readers.Length == _uses[shuffle.Id] && readers.Length > 0 &&
                readers.All(l => l.Operator is SliceOperator slice && slice.Start % 2 == 0 && slice.Count % 2 == 0 && l.Output != shuffle.Output);
            if (onlyHalves)
                _stageOf[shuffle.Id] = parts[0];
            else
                Emit(shuffle, new InterleaveStage(_stages.Count, shuffle.Name, parts, _stages[parts[0]].Output, shuffle.Output, 0));
        }

        private Layer? MatchSqueeze(Layer mean)
        {
            if (SoleReader(mean) is not { Operator: ConvolutionOperator reduce } reduceLayer ||
                SoleReader(reduceLayer) is not { Operator: ActivationOperator activation } activationLayer ||
                SoleReader(activationLayer) is not { Operator: ConvolutionOperator expand } expandLayer ||
                SoleReader(expandLayer) is not { Operator: ActivationOperator gate } gateLayer ||
                SoleReader(gateLayer) is not { Operator: ScaleOperator } scale ||
                scale.Inputs[0] != mean.Inputs[0])
            {
                return null;
            }

            Layer input = graph.Layers[mean.Inputs[0]];
            SqueezeStage stage = new(_stages.Count, scale.Name, EquatableArray.Of(_stageOf[input.Id]), input.Output, scale.Output, reduce, activation.Function, expand, gate.Function);
            foreach (Layer part in new[] { mean, reduceLayer, activationLayer, expandLayer, gateLayer, scale })
                _stageOf[part.Id] = stage.Id;
            _stages.Add(stage);
            return scale;
        }

        /// <summary>Zeros that only a convolution with a window reads: its kernel has them for nothing. A 1x1 convolution is a product over pixels without.</summary>
        private bool IsOfConvolution(Layer pad) =>
            pad.Operator is PadOperator { Mode: PadMode.Constant, Value: 0 } &&
            SoleReader(pad) is { Operator: ConvolutionOperator { IsLinear: false } c } && c.Kernel != Extent.Square(1);

        private Layer? FlattenedLinear(Layer flatten) => SoleReader(flatten) is { Operator: ConvolutionOperator { IsLinear: true } } linear ? linear : null;

        /// <summary>The one layer that reads <paramref name="layer"/>, if there is exactly one.</summary>
        private Layer? SoleReader(Layer layer)
        {
            // It stands after the layer, and nearly always next to it.
            for (int i = layer.Id + 1; _uses[layer.Id] == 1 && i < graph.Layers.Count; i++)
            {
                if (graph.Layers[i].Inputs.Contains(layer.Id))
                    return graph.Layers[i];
            }

            return null;
        }
    }
}
