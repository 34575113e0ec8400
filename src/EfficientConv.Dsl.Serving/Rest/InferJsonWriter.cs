using System.Buffers;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json;
using Microsoft.AspNetCore.Http;

namespace EfficientConv.Dsl.Serving;

/// <summary>Answers an inference request over REST: JSON, and behind it the outputs that were asked for in binary.</summary>
internal static class InferJsonWriter
{
    public static void Write(HttpResponse response, InferCall call, int[] outputs)
    {
        bool[] binary = [.. outputs.Select((_, i) => call.Requested?[i].Binary ?? call.IsBinaryOutput)];
        // The JSON's length stands in a header, and so it is written before the rest.
        ArrayBufferWriter<byte> json = new();
        using (Utf8JsonWriter writer = new(json))
            WriteJson(writer, call, outputs, binary);

        int length = json.WrittenCount;
        response.ContentType = "application/json";
        if (binary.AsSpan().Contains(true))
        {
            response.ContentType = "application/octet-stream";
            response.Headers["Inference-Header-Content-Length"] = length.ToString(CultureInfo.InvariantCulture);
            for (int i = 0; i < outputs.Length; i++)
                length += binary[i] ? Bytes(call, outputs[i]) : 0;
        }

        response.ContentLength = length;
        response.BodyWriter.Write(json.WrittenSpan);
        for (int i = 0; i < outputs.Length; i++)
        {
            for (int image = 0; binary[i] && image < call.Batch; image++)
                response.BodyWriter.Write(MemoryMarshal.AsBytes(Values(call, outputs[i], image)));
        }
    }

    /// <summary>An output of one image.</summary>
    public static ReadOnlySpan<float> Values(InferCall call, int output, int image) =>
        call.Output.Slice(image * call.Model.OutputLength, call.Model.OutputLength)[call.Model.Outputs[output].Range];

    public static int Bytes(InferCall call, int output) => call.Batch * (int)call.Model.Outputs[output].Shape.ElementCount * sizeof(float);

    private static void WriteJson(Utf8JsonWriter writer, InferCall call, int[] outputs, bool[] binary)
    {
        ServedModel model = call.Model;
        writer.WriteStartObject();
        writer.WriteString("model_name"u8, model.Name);
        writer.WriteString("model_version"u8, model.Version);
        if (call.Id is not null)
            writer.WriteString("id"u8, call.Id);
        writer.WriteStartArray("outputs"u8);
        for (int i = 0; i < outputs.Length; i++)
        {
            writer.WriteStartObject();
            writer.WriteString("name"u8, model.Outputs[outputs[i]].Name);
            writer.WriteString("datatype"u8, ServedModel.Datatype);
            writer.WriteStartArray("shape"u8);
            writer.WriteNumberValue(call.Batch);
            foreach (long size in model.OutputDimensions[outputs[i]])
                writer.WriteNumberValue(size);
            writer.WriteEndArray();
            if (binary[i])
            {
                writer.WriteStartObject("parameters"u8);
                writer.WriteNumber("binary_data_size"u8, Bytes(call, outputs[i]));
                writer.WriteEndObject();
            }
            else
            {
                WriteData(writer, call, outputs[i]);
            }

            writer.WriteEndObject();
        }

        writer.WriteEndArray();
        writer.WriteEndObject();
    }

    /// <summary>The shortest texts that give the same floats again.</summary>
    private static void WriteData(Utf8JsonWriter writer, InferCall call, int output)
    {
        writer.WriteStartArray("data"u8);
        for (int image = 0; image < call.Batch; image++)
        {
            foreach (float value in Values(call, output, image))
            {
                if (!float.IsFinite(value))
                {
                    throw ServedModel.Invalid(
                        $"output \"{call.Model.Outputs[output].Name}\" has a value that JSON cannot hold "
                        + $"({value.ToString(CultureInfo.InvariantCulture)}): ask for binary_data, or look at the input");
                }

                writer.WriteNumberValue(value);
            }
        }

        writer.WriteEndArray();
    }
}
