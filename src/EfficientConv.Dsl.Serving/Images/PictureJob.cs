using System.Buffers;

namespace EfficientConv.Dsl.Serving;

/// <summary>
/// Decodes a picture, brings it to the network's size, runs the network and finds the best classes; all of it on a worker, because decoding may take longer than the network.
/// </summary>
internal sealed class PictureJob(ServedModel model, byte[] file, int maxPixels, int top) : InferenceJob(model, 1)
{
    public int Width { get; private set; }

    public int Height { get; private set; }

    public ClassScore[] Classes { get; private set; } = [];

    /// <summary>Checks that a model is a classifier of pictures.</summary>
    public static void CheckModel(ServedModel model)
    {
        if (model.Outputs.Length != 1 || model.Outputs[0].Shape is not { Height: 1, Width: 1 } || model.Levels is null)
        {
            throw ServedModel.Invalid(
                $"{model.Name} does not classify pictures: expected one output of classes and an input of as many channels, 1 or 3, as its pictures have means "
                + $"({model.Images.Mean.Count}), found {model.Outputs.Length} output(s), the first {model.Outputs[0].Shape}, and an input {model.InputShape}");
        }
    }

    internal override void Run(int image, int threads)
    {
        float[] input = ArrayPool<float>.Shared.Rent(Model.InputLength), output = ArrayPool<float>.Shared.Rent(Model.OutputLength);
        Fill(input.AsSpan(0, Model.InputLength));
        Span<float> scores = output.AsSpan(0, Model.OutputLength);
        Model.Forward(input.AsSpan(0, Model.InputLength), scores, threads);
        if (Model.Images.Softmax)
            Classification.Softmax(scores, scores);
        int[] best = new int[top];
        Classification.TopK(scores, best);
        ClassScore[] classes = new ClassScore[top];
        for (int i = 0; i < top; i++)
        {
            float score = scores[best[i]];
            if (!float.IsFinite(score))
                throw new InferenceException(InferenceError.Internal, $"{Model.Name} gave a score that is not finite for this picture");
            classes[i] = new ClassScore(best[i], Model.Images.Labels is { } labels && best[i] < labels.Count ? labels[best[i]] : null, score);
        }

        Classes = classes;
        ArrayPool<float>.Shared.Return(input);
        ArrayPool<float>.Shared.Return(output);
    }

    private void Fill(Span<float> input)
    {
        using Picture picture = Picture.Decode(file, maxPixels);
        (Width, Height) = (picture.Width, picture.Height);
        TensorShape shape = Model.InputShape;
        int side = Model.Images.ShorterSide > 0 ? Model.Images.ShorterSide : Math.Max(shape.Width, shape.Height) * 256 / 224;
        int bytes = picture.Format == PixelFormat.Gray ? 1 : 3;
        byte[] square = ArrayPool<byte>.Shared.Rent(shape.Width * shape.Height * bytes);
        try
        {
            ImageResize resize = new(picture.Width, picture.Height, side, shape.Width, shape.Height);
            resize.Run(picture.Pixels, picture.Format, picture.Stride, square.AsSpan(0, shape.Width * shape.Height * bytes));
        }
        catch (ArgumentOutOfRangeException exception)
        {
            throw new InferenceException(
                InferenceError.InvalidArgument,
                $"a picture of {picture.Width} x {picture.Height} pixels cannot be brought to {shape.Width} x {shape.Height}: {exception.Message}",
                exception);
        }

        Model.Normalize(square.AsSpan(0, shape.Width * shape.Height * bytes), bytes, input);
        ArrayPool<byte>.Shared.Return(square);
    }
}
