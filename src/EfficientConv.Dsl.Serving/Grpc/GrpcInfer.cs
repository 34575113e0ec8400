using System.Buffers;
using System.Runtime.InteropServices;
using EfficientConv.Dsl.Serving.Grpc;
using Google.Protobuf;
using Grpc.Core;

namespace EfficientConv.Dsl.Serving;

/// <summary>
/// An inference request and its answer as gRPC has them: the message without its raw tensors, which are read into the call's memory from the payload and written from it.
/// </summary>
internal sealed class GrpcInfer
{
    private const int RawInputField = 7;
    private const int RawOutputField = 6;
    private const string TimeoutParameter = "timeout";

    private int[] _outputs = [];
    private int _rawInputs;
    private int _rawBytes;

    public ModelInferRequest Message { get; } = new();

    public InferCall Call { get; } = new();

    public static void NotSent(GrpcInfer message, SerializationContext context) => throw new NotSupportedException("a server sends no requests");

    public static GrpcInfer NotRead(DeserializationContext context) => throw new NotSupportedException("a server reads no answers");

    /// <summary>
    /// Reads a request. The bytes of raw inputs are copied to where the kernel reads them; the fields around them are parsed as messages and merged, which by the definition of
    /// the format is the same as parsing them together.
    /// </summary>
    public static GrpcInfer Read(DeserializationContext context)
    {
        GrpcInfer infer = new();
        try
        {
            infer.Read(context.PayloadAsReadOnlySequence());
            return infer;
        }
        catch (InvalidProtocolBufferException exception)
        {
            infer.Call.Dispose();
            throw new RpcException(new Status(StatusCode.InvalidArgument, $"the request is no ModelInferRequest: {exception.Message}", exception));
        }
        catch
        {
            infer.Call.Dispose();
            throw;
        }
    }

    /// <summary>Writes an answer.</summary>
    public static void Write(GrpcInfer infer, SerializationContext context)
    {
        InferCall call = infer.Call;
        ModelInferResponse response = new() { ModelName = call.Model.Name, ModelVersion = call.Model.Version, Id = infer.Message.Id };
        int length = 0;
        foreach (int output in infer._outputs)
        {
            response.Outputs.Add(new ModelInferResponse.Types.InferOutputTensor
            {
                Name = call.Model.Outputs[output].Name,
                Datatype = ServedModel.Datatype,
                Shape = { (long)call.Batch, call.Model.OutputDimensions[output] },
            });
            int bytes = InferJsonWriter.Bytes(call, output);
            length += CodedOutputStream.ComputeTagSize(RawOutputField) + CodedOutputStream.ComputeLengthSize(bytes) + bytes;
        }

        context.SetPayloadLength(response.CalculateSize() + length);
        IBufferWriter<byte> writer = context.GetBufferWriter();
        response.WriteTo(writer);
        foreach (int output in infer._outputs)
        {
            Span<byte> head = writer.GetSpan(6);
            head[0] = (RawOutputField << 3) | (int)WireFormat.WireType.LengthDelimited;
            writer.Advance(1 + WriteVarint(head[1..], (uint)InferJsonWriter.Bytes(call, output)));
            for (int image = 0; image < call.Batch; image++)
                writer.Write(MemoryMarshal.AsBytes(InferJsonWriter.Values(call, output, image)));
        }

        context.Complete();
    }

    /// <summary>Checks the request against a model.</summary>
    /// <exception cref="InferenceException">It does not fit.</exception>
    public void CheckInput(ServedModel model, int maxBatch)
    {
        if (Message.Inputs.Count != 1)
            throw ServedModel.Invalid($"inputs of {model.Name}: expected 1, found {Message.Inputs.Count}");
        ModelInferRequest.Types.InferInputTensor input = Message.Inputs[0];
        int batch = model.CheckInput(input.Name, input.Datatype, input.Shape, maxBatch), length = batch * model.InputLength;
        if (_rawInputs > 0)
        {
            if (input.Contents is not null)
                throw ServedModel.Invalid("an input has \"contents\" beside raw_input_contents");
            if (_rawInputs != 1)
                throw ServedModel.Invalid($"raw_input_contents: expected 1, as many as inputs, found {_rawInputs}");
            if (_rawBytes != length * sizeof(float))
                throw ServedModel.Invalid($"raw_input_contents of input \"{input.Name}\": expected {length * sizeof(float)} bytes for its shape, found {_rawBytes}");
        }
        else
        {
            int found = input.Contents?.Fp32Contents.Count ?? 0;
            if (found != length)
                throw ServedModel.Invalid($"fp32_contents of input \"{input.Name}\": expected {length} numbers for its shape, found {found}");
            input.Contents!.Fp32Contents.CopyTo(Call.RentInput(length), 0);
        }

        Call.Bind(model, batch);
        if (Message.Outputs.Count > 0)
            Call.Requested = [.. Message.Outputs.Select(output => (output.Name, (bool?)true))];
    }

    /// <summary>Finds what is to be answered, and when at the latest.</summary>
    public void Prepare()
    {
        _outputs = Call.FindOutputs();
        if (!Message.Parameters.TryGetValue(TimeoutParameter, out InferParameter? timeout))
            return;
        Call.Timeout = InferenceService.ParseTimeout(timeout.ParameterChoiceCase switch
        {
            InferParameter.ParameterChoiceOneofCase.Int64Param => timeout.Int64Param,
            InferParameter.ParameterChoiceOneofCase.Uint64Param => (long)Math.Min(timeout.Uint64Param, long.MaxValue),
            InferParameter.ParameterChoiceOneofCase.StringParam when long.TryParse(timeout.StringParam, out long text) => text,
            _ => throw ServedModel.Invalid($"parameter \"{TimeoutParameter}\": expected an integer, found {timeout.ParameterChoiceCase}"),
        });
    }

    private void Read(ReadOnlySequence<byte> payload)
    {
        SequenceReader<byte> reader = new(payload);
        SequencePosition fieldsStart = reader.Position;
        while (!reader.End)
        {
            SequencePosition start = reader.Position;
            ulong tag = ReadVarint(ref reader);
            if (tag != ((RawInputField << 3) | (int)WireFormat.WireType.LengthDelimited))
            {
                SkipField(ref reader, tag);
                continue;
            }

            Merge(payload.Slice(fieldsStart, start));
            ReadRawInput(ref reader, ReadLength(ref reader));
            fieldsStart = reader.Position;
        }

        Merge(payload.Slice(fieldsStart));
    }

    private void Merge(ReadOnlySequence<byte> fields)
    {
        if (!fields.IsEmpty)
            Message.MergeFrom(fields);
    }

    private void ReadRawInput(ref SequenceReader<byte> reader, int length)
    {
        // A second one is refused when the model is known; there is nothing to be done with its bytes.
        if (_rawInputs++ == 0)
        {
            _rawBytes = length;
            float[] input = Call.RentInput((length + sizeof(float) - 1) / sizeof(float));
            reader.TryCopyTo(MemoryMarshal.AsBytes(input.AsSpan())[..length]);
        }

        reader.Advance(length);
    }

    private static void SkipField(ref SequenceReader<byte> reader, ulong tag)
    {
        switch ((WireFormat.WireType)(tag & 7))
        {
            case WireFormat.WireType.Varint:
                ReadVarint(ref reader);
                break;
            case WireFormat.WireType.Fixed64:
                Skip(ref reader, sizeof(ulong));
                break;
            case WireFormat.WireType.Fixed32:
                Skip(ref reader, sizeof(uint));
                break;
            case WireFormat.WireType.LengthDelimited:
                reader.Advance(ReadLength(ref reader));
                break;
            default:
                throw Malformed("a field of an unknown type");
        }
    }

    private static void Skip(ref SequenceReader<byte> reader, int count)
    {
        if (reader.Remaining < count)
            throw Malformed("a field is cut off");
        reader.Advance(count);
    }

    /// <summary>The length of a field whose bytes are all there.</summary>
    private static int ReadLength(ref SequenceReader<byte> reader)
    {
        ulong length = ReadVarint(ref reader);
        return length <= (ulong)reader.Remaining ? (int)length : throw Malformed($"a field says that it has {length} bytes, and {reader.Remaining} are left");
    }

    private static ulong ReadVarint(ref SequenceReader<byte> reader)
    {
        const int MaxBits = 64;
        ulong value = 0;
        for (int shift = 0; shift < MaxBits; shift += 7)
        {
            if (!reader.TryRead(out byte part))
                throw Malformed("a number is cut off");
            value |= (ulong)(part & 0x7F) << shift;
            if (part < 0x80)
                return value;
        }

        throw Malformed("a number has too many bytes");
    }

    private static int WriteVarint(Span<byte> destination, uint value)
    {
        int count = 0;
        for (; value >= 0x80; value >>= 7)
            destination[count++] = (byte)(value | 0x80);
        destination[count++] = (byte)value;
        return count;
    }

    private static RpcException Malformed(string what) => new(new Status(StatusCode.InvalidArgument, $"the request is no ModelInferRequest: {what}"));
}
