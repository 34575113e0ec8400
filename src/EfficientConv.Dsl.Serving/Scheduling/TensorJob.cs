namespace EfficientConv.Dsl.Serving;

/// <summary>Runs the images of a tensor.</summary>
internal sealed class TensorJob(ServedModel model, int images, float[] input, float[] output) : InferenceJob(model, images)
{
    internal override void Run(int image, int threads) =>
        Model.Forward(input.AsSpan(image * Model.InputLength, Model.InputLength), output.AsSpan(image * Model.OutputLength, Model.OutputLength), threads);
}
