using EfficientConv.Dsl.Cli.Input;
using EfficientConv.Dsl.Cli.Running;

namespace EfficientConv.Dsl.Cli.Output;

/// <summary>A file that a verb writes: checked before any work, and in the end there whole or not at all.</summary>
internal sealed class OutputFile
{
    /// <summary>Where systems keep devices, which take text and are no files to replace.</summary>
    private const string Devices = "/dev/";

    private readonly string _path;

    private OutputFile(string path) => _path = path;

    /// <summary>Whether there is one already.</summary>
    public bool Exists => !IsDevice(_path) && File.Exists(_path);

    /// <summary>Checks that <paramref name="file"/>, which <paramref name="option"/> names, can be written.</summary>
    /// <exception cref="ToolException">It cannot; the message says why.</exception>
    public static OutputFile Check(string option, FileInfo file)
    {
        try
        {
            if (IsDevice(file.FullName))
                return new OutputFile(file.FullName);
            if (Directory.Exists(file.FullName))
                throw new ToolException($"{option}: {file} is a folder; expected a file to write.");
            string path = SourceFiles.RealPath(file.FullName), folder = Path.GetDirectoryName(path)!;
            if (!Directory.Exists(folder))
                throw new ToolException($"{option}: {file} cannot be written: there is no folder {folder}.");
            if (File.Exists(path))
                new FileStream(path, FileMode.Open, FileAccess.Write, FileShare.ReadWrite).Dispose();
            Probe(File.Exists(path) ? Temporary(folder) : path);
            return new OutputFile(path);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new ToolException($"{option}: {file} cannot be written: {exception.Message}");
        }
    }

    /// <summary>Checks that files can be written into <paramref name="folder"/>, which need not be there yet.</summary>
    /// <exception cref="ToolException">They cannot; the message says why.</exception>
    public static void CheckFolder(string option, DirectoryInfo folder)
    {
        try
        {
            string there = folder.FullName;
            while (!Directory.Exists(there))
            {
                if (File.Exists(there))
                    throw new ToolException($"{option}: {folder} cannot be written: {there} is a file; expected a folder.");
                there = Path.GetDirectoryName(there)!;
            }

            Probe(Temporary(there));
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new ToolException($"{option}: {folder} cannot be written: {exception.Message}");
        }
    }

    /// <summary>Writes the file.</summary>
    public void Write(string text) => Write(_path, text);

    /// <summary>Writes <paramref name="text"/> beside <paramref name="path"/> and puts it into its place when it is all there.</summary>
    public static void Write(string path, string text)
    {
        if (IsDevice(path))
        {
            File.WriteAllText(path, text);
            return;
        }

        string temporary = Temporary(Path.GetDirectoryName(Path.GetFullPath(path))!);
        using Ending ending = new(() => File.Delete(temporary));
        try
        {
            File.WriteAllText(temporary, text);
            if (!OperatingSystem.IsWindows() && File.Exists(path))
                File.SetUnixFileMode(temporary, File.GetUnixFileMode(path));
            File.Move(temporary, path, overwrite: true);
        }
        catch
        {
            File.Delete(temporary);
            throw;
        }
    }

    private static bool IsDevice(string path) => path.StartsWith(Devices, StringComparison.Ordinal);

    private static string Temporary(string folder) => Path.Combine(folder, $".efficientconv-{Guid.NewGuid():N}.tmp");

    /// <summary>Makes a file and takes it away again.</summary>
    private static void Probe(string path) => new FileStream(path, FileMode.CreateNew, FileAccess.Write, FileShare.None, 1, FileOptions.DeleteOnClose).Dispose();
}
