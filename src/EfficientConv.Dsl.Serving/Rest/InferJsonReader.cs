using System.Buffers;
using System.Text;
using System.Text.Json;

namespace EfficientConv.Dsl.Serving;

/// <summary>The JSON of an inference request. Numbers of a tensor go straight into the call's memory; nothing else is kept of them.</summary>
internal ref struct InferJsonReader
{
    private const int MaxDimensions = 8;
    private const int MaxOutputs = 64;

    private readonly InferCall _call;
    private readonly ServedModel _model;
    private readonly int _maxBatch;
    private Utf8JsonReader _json;
    private int _inputs;

    private InferJsonReader(in ReadOnlySequence<byte> json, InferCall call, ServedModel model, int maxBatch)
    {
        _json = new Utf8JsonReader(json, isFinalBlock: true, state: default);
        _call = call;
        _model = model;
        _maxBatch = maxBatch;
    }

    /// <summary>Reads a request into a call.</summary>
    /// <returns>The size in bytes of the input's binary data behind the JSON; null where the JSON has its numbers.</returns>
    /// <exception cref="InferenceException">It is no request that fits the model.</exception>
    public static long? Read(in ReadOnlySequence<byte> json, InferCall call, ServedModel model, int maxBatch)
    {
        try
        {
            InferJsonReader reader = new(json, call, model, maxBatch);
            return reader.ReadRequest();
        }
        catch (JsonException exception)
        {
            throw new InferenceException(
                InferenceError.InvalidArgument, $"the request is not valid JSON: line {exception.LineNumber + 1}, byte {exception.BytePositionInLine}", exception);
        }
        catch (Exception exception) when (exception is InvalidOperationException or DecoderFallbackException)
        {
            // A string with half a surrogate or invalid UTF-8 in it.
            throw new InferenceException(InferenceError.InvalidArgument, "the request has text that is not valid UTF-8", exception);
        }
    }

    private long? ReadRequest()
    {
        long? binary = null;
        bool isFound = false;
        if (!_json.Read() || _json.TokenType != JsonTokenType.StartObject)
            throw Expected("an object", "the request");
        while (NextProperty())
        {
            if (_json.ValueTextEquals("id"u8))
            {
                _call.Id = ReadString("id");
            }
            else if (_json.ValueTextEquals("parameters"u8))
            {
                ReadRequestParameters();
            }
            else if (_json.ValueTextEquals("inputs"u8))
            {
                StartArray("inputs");
                while (NextElement())
                {
                    if (++_inputs > 1)
                        throw ServedModel.Invalid($"inputs of {_model.Name}: expected 1, found more");
                    binary = ReadInput();
                    isFound = true;
                }
            }
            else if (_json.ValueTextEquals("outputs"u8))
            {
                ReadOutputs();
            }
            else
            {
                Skip();
            }
        }

        if (_json.Read())
            throw ServedModel.Invalid("the request has something behind its JSON object");
        if (!isFound)
            throw ServedModel.Invalid($"inputs of {_model.Name}: expected 1, found none");
        return binary;
    }

    private long? ReadInput()
    {
        string? name = null, datatype = null;
        List<long>? shape = null;
        long? binary = null;
        bool isRead = false, isKept = false;
        Utf8JsonReader kept = default;
        ExpectObject("an input");
        while (NextProperty())
        {
            if (_json.ValueTextEquals("name"u8))
            {
                name = ReadString("name");
            }
            else if (_json.ValueTextEquals("datatype"u8))
            {
                datatype = ReadString("datatype");
            }
            else if (_json.ValueTextEquals("shape"u8))
            {
                shape = ReadShape();
            }
            else if (_json.ValueTextEquals("parameters"u8))
            {
                ReadInputParameters(ref binary);
            }
            else if (_json.ValueTextEquals("data"u8))
            {
                if (isRead || isKept)
                    throw ServedModel.Invalid("an input has \"data\" twice");
                if (name is not null && datatype is not null && shape is not null)
                {
                    ReadData(name, datatype, shape);
                    isRead = true;
                }
                else
                {
                    // Its shape stands behind it: the numbers are read when it is known.
                    kept = _json;
                    isKept = true;
                    Skip();
                }
            }
            else
            {
                Skip();
            }
        }

        if (binary is not null)
        {
            if (isRead || isKept)
                throw ServedModel.Invalid("an input has both \"data\" and \"binary_data_size\"");
            int batch = _model.CheckInput(name, datatype, shape, _maxBatch);
            long bytes = (long)batch * _model.InputLength * sizeof(float);
            if (binary != bytes)
                throw ServedModel.Invalid($"binary_data_size of input {ServedModel.Quoted(name)}: expected {bytes} bytes for its shape, found {binary}");
            _call.Bind(_model, batch);
            return binary;
        }

        if (isKept)
        {
            Utf8JsonReader end = _json;
            _json = kept;
            ReadData(name, datatype, shape);
            _json = end;
        }
        else if (!isRead)
        {
            _model.CheckInput(name, datatype, shape, _maxBatch);
            throw ServedModel.Invalid($"input {ServedModel.Quoted(name)} has neither \"data\" nor \"binary_data_size\"");
        }

        return null;
    }

    private void ReadData(string? name, string? datatype, List<long>? shape)
    {
        int batch = _model.CheckInput(name, datatype, shape, _maxBatch);
        _call.Bind(_model, batch);
        Span<float> values = _call.RentInput(batch * _model.InputLength).AsSpan(0, batch * _model.InputLength);
        StartArray("data");
        int count = 0;
        ReadNumbers(values, ref count, shape!, 0);
        if (count != values.Length)
            throw ServedModel.Invalid($"data of input \"{ServedModel.InputName}\": expected {values.Length} numbers for its shape, found {count}");
    }

    /// <summary>Numbers, one after the other or in arrays of the shape's sizes.</summary>
    private void ReadNumbers(Span<float> values, ref int count, List<long> shape, int depth)
    {
        int arrays = 0, numbers = 0;
        while (_json.Read() && _json.TokenType != JsonTokenType.EndArray)
        {
            if (_json.TokenType == JsonTokenType.StartArray)
            {
                if (depth + 1 >= shape.Count || numbers > 0)
                    throw ServedModel.Invalid($"data of input \"{ServedModel.InputName}\": arrays in it must be nested as its shape is");
                arrays++;
                ReadNumbers(values, ref count, shape, depth + 1);
                continue;
            }

            if (_json.TokenType != JsonTokenType.Number || !_json.TryGetSingle(out float value) || !float.IsFinite(value))
                throw ServedModel.Invalid($"data of input \"{ServedModel.InputName}\": expected a number that a 32-bit float can hold, at index {count}");
            if (arrays > 0)
                throw ServedModel.Invalid($"data of input \"{ServedModel.InputName}\": arrays in it must be nested as its shape is");
            if (count == values.Length)
                throw ServedModel.Invalid($"data of input \"{ServedModel.InputName}\": expected {values.Length} numbers for its shape, found more");
            numbers++;
            values[count++] = value;
        }

        // Flat numbers belong to the outermost array alone.
        bool isFlat = depth == 0 && arrays == 0;
        long found = arrays > 0 ? arrays : numbers;
        if (!isFlat && (found != shape[depth] || (numbers > 0 && depth != shape.Count - 1)))
            throw ServedModel.Invalid($"data of input \"{ServedModel.InputName}\": arrays in it must be nested as its shape is");
    }

    private List<long> ReadShape()
    {
        List<long> shape = [];
        StartArray("shape");
        while (NextElement())
        {
            if (shape.Count == MaxDimensions || _json.TokenType != JsonTokenType.Number || !_json.TryGetInt64(out long size))
                throw ServedModel.Invalid($"shape: expected at most {MaxDimensions} integers");
            shape.Add(size);
        }

        return shape;
    }

    private void ReadOutputs()
    {
        StartArray("outputs");
        List<(string? Name, bool? Binary)> outputs = [];
        while (NextElement())
        {
            if (outputs.Count == MaxOutputs)
                throw ServedModel.Invalid($"outputs: expected at most {MaxOutputs}, found more");
            string? name = null;
            bool? binary = null;
            ExpectObject("an output");
            while (NextProperty())
            {
                if (_json.ValueTextEquals("name"u8))
                {
                    name = ReadString("name");
                }
                else if (_json.ValueTextEquals("parameters"u8))
                {
                    Next();
                    ExpectObject("parameters");
                    while (NextProperty())
                    {
                        if (_json.ValueTextEquals("binary_data"u8))
                            binary = ReadBoolean("binary_data");
                        else
                            Skip();
                    }
                }
                else
                {
                    Skip();
                }
            }

            _model.FindOutput(name);
            outputs.Add((name, binary));
        }

        // An empty list means all of them, as no list does.
        _call.Requested = outputs.Count > 0 ? outputs : null;
    }

    private void ReadRequestParameters()
    {
        Next();
        ExpectObject("parameters");
        while (NextProperty())
        {
            if (_json.ValueTextEquals("binary_data_output"u8))
                _call.IsBinaryOutput = ReadBoolean("binary_data_output");
            else if (_json.ValueTextEquals("timeout"u8))
                _call.Timeout = InferenceService.ParseTimeout(ReadInteger("timeout"));
            else
                Skip();
        }
    }

    private void ReadInputParameters(ref long? binary)
    {
        Next();
        ExpectObject("parameters");
        while (NextProperty())
        {
            if (_json.ValueTextEquals("binary_data_size"u8))
                binary = ReadInteger("binary_data_size");
            else
                Skip();
        }
    }

    /// <summary>Goes to the next property's name; false at the object's end.</summary>
    private bool NextProperty()
    {
        Next();
        return _json.TokenType != JsonTokenType.EndObject;
    }

    /// <summary>Goes to the next element; false at the array's end.</summary>
    private bool NextElement()
    {
        Next();
        return _json.TokenType != JsonTokenType.EndArray;
    }

    private void Next()
    {
        if (!_json.Read())
            throw ServedModel.Invalid("the request's JSON ends too early");
    }

    private void Skip()
    {
        Next();
        _json.Skip();
    }

    private void StartArray(string what)
    {
        Next();
        if (_json.TokenType != JsonTokenType.StartArray)
            throw Expected("an array", what);
    }

    private readonly void ExpectObject(string what)
    {
        if (_json.TokenType != JsonTokenType.StartObject)
            throw Expected("an object", what);
    }

    private string ReadString(string what)
    {
        Next();
        return _json.TokenType == JsonTokenType.String ? _json.GetString()! : throw Expected("a string", what);
    }

    private bool ReadBoolean(string what)
    {
        Next();
        return _json.TokenType is JsonTokenType.True or JsonTokenType.False ? _json.GetBoolean() : throw Expected("true or false", what);
    }

    private long ReadInteger(string what)
    {
        Next();
        return _json.TokenType == JsonTokenType.Number && _json.TryGetInt64(out long value) ? value : throw Expected("an integer", what);
    }

    private readonly InferenceException Expected(string expected, string what) => ServedModel.Invalid($"{what}: expected {expected}, found {_json.TokenType}");
}
