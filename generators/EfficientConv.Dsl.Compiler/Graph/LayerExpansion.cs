namespace EfficientConv.Dsl.Compiler.Graph;

/// <summary>One attribute to its layers: plain layers to one, blocks by <see cref="BlockExpansion"/>.</summary>
internal static class LayerExpansion
{
    public static void Expand(GraphBuilder builder, AttributeReader reader, TensorKey key)
    {
        LayerOrigin origin = reader.Origin(string.Empty);
        switch (reader.Kind)
        {
            case "Conv2d":
            {
                Extent kernel = reader.Kernel(3), stride = reader.Stride(Extent.Square(1)), dilation = reader.Dilation();
                Padding padding = reader.Padding(kernel, stride, dilation, builder.Shape, default);
                ConvolutionOperator convolution = new(key, Channels(builder, reader), kernel, stride, padding, dilation, reader.Positive("groups", 1), reader.Bool("bias", true));
                Add(convolution with { Algorithm = reader.Algorithm(convolution) });
                break;
            }

            case "PointwiseConv2d":
                Add(new ConvolutionOperator(
                    key, Channels(builder, reader), Extent.Square(1), reader.Stride(Extent.Square(1)), default, Extent.Square(1), reader.Positive("groups", 1), reader.Bool("bias", true)));
                break;

            case "DepthwiseConv2d":
            {
                Extent kernel = reader.Kernel(3), stride = reader.Stride(Extent.Square(1)), dilation = reader.Dilation();
                Padding padding = reader.Padding(kernel, stride, dilation, builder.Shape, default);
                int channels = builder.Shape.Channels;
                long outChannels = (long)channels * reader.Positive("multiplier", 1);
                if (outChannels > int.MaxValue / 8)
                {
                    reader.Invalid("multiplier", FormattableString.Invariant($"{outChannels / channels}"), "small enough for the channel count to be an integer");
                    break;
                }

                Add(new ConvolutionOperator(key, (int)outChannels, kernel, stride, padding, dilation, channels, reader.Bool("bias", true)));
                break;
            }

            case "Linear":
                Add(new ConvolutionOperator(
                    key, reader.Positive("outFeatures", 1), new Extent(builder.Shape.Height, builder.Shape.Width), Extent.Square(1), default, Extent.Square(1), 1, reader.Bool("bias", true), IsLinear: true));
                break;

            case "BatchNorm":
                Add(new BatchNormOperator(key, reader.Attribute.IsExplicit("eps") ? reader.PositiveNumber("eps", builder.Keys.Epsilon) : builder.Keys.Epsilon));
                break;

            case "ConvTranspose2d" or "Upsample" or "PixelShuffle" or "AdaptiveAvgPool2d" or "AdaptiveMaxPool2d":
                if (ResamplingExpansion.Operator(builder.Shape, reader, key) is { } resampling)
                    Add(resampling);
                break;

            case "LayerNorm2d":
                Add(new LayerNormOperator(key, reader.PositiveNumber("eps", 1e-6)));
                break;

            case "LayerScale":
                Add(new LayerScaleOperator(key.With("gamma")));
                break;

            case "Activation":
            {
                ActivationKind kind = reader.Enumeration("kind", ActivationKind.None);
                Add(kind == ActivationKind.PReLU
                    ? new PReLUOperator(key, 1)
                    : new ActivationOperator(AttributeReader.Function(kind, reader.Attribute.Double("Slope", 0.01))));
                break;
            }

            case "LeakyReLU":
                Add(new ActivationOperator(AttributeReader.Function(ActivationKind.LeakyReLU, reader.Attribute.Double("slope", 0.01))));
                break;

            case "PReLU":
                Add(new PReLUOperator(key, reader.Positive("numParameters", 1)));
                break;

            case "MaxPool2d" or "AvgPool2d":
            {
                Extent kernel = reader.Kernel(2), stride = reader.Stride(kernel), dilation = reader.Dilation();
                Padding padding = reader.Padding(kernel, stride, dilation, builder.Shape, default);
                Add(new PoolOperator(reader.Kind == "MaxPool2d", kernel, stride, padding, dilation, reader.Bool("ceilMode", false), reader.Bool("countIncludePad", true)));
                break;
            }

            case "GlobalAvgPool":
                Add(new GlobalAveragePoolOperator());
                break;

            case "Flatten":
                Add(new FlattenOperator());
                break;

            case "ChannelShuffle":
                Add(new ChannelShuffleOperator(reader.Positive("groups", 1)));
                break;

            case "Softmax":
                Add(new SoftmaxOperator());
                break;

            default:
                if (BlockExpansion.Expand(builder, reader, key))
                    break;

                // The shorthands of the activations are named as the functions.
                if (Enum.TryParse(reader.Kind, out ActivationKind shorthand))
                    Add(new ActivationOperator(AttributeReader.Function(shorthand, 0)));
                else
                    throw new InvalidOperationException($"The attribute {reader.Kind} has no expansion.");
                break;
        }

        void Add(Operator op)
        {
            if (!builder.Failed)
                builder.Add(reader.Name, op, origin);
        }
    }

    /// <summary><c>outChannels</c>, or as many as come in.</summary>
    public static int Channels(GraphBuilder builder, AttributeReader reader) => reader.Positive("outChannels", builder.Shape.Channels);
}
