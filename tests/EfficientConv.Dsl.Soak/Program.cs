using System.CommandLine;
using System.Globalization;

namespace EfficientConv.Dsl.Soak;

/// <summary>All runs one after the other; ends with 1 at the first that finds something.</summary>
internal static class Program
{
    private static readonly string[] s_runs = ["one-instance", "eight-networks", "instances", "kills"];

    private static int Main(string[] arguments)
    {
        CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
        if (arguments is ["write", var kind, var path])
        {
            Kills.WriteForever(kind, path);
            return 0;
        }

        Option<int> seconds = new("--seconds") { Description = "Seconds of each of the two runs with eight threads.", DefaultValueFactory = _ => 3600 };
        Option<int> instances = new("--instances") { Description = "Instances that are made and dropped.", DefaultValueFactory = _ => 10_000 };
        Option<int> kills = new("--kills") { Description = "Writers of each kind of file that are killed.", DefaultValueFactory = _ => 200 };
        Option<string[]> only = new("--run") { Description = "Which runs; all of them where it is not given.", AllowMultipleArgumentsPerToken = true, DefaultValueFactory = _ => s_runs };
        only.AcceptOnlyFromAmong(s_runs);
        RootCommand command = new("Eight threads on one instance and on eight networks, instances without end, killed writers: bits, memory, handles, threads and files.") { seconds, instances, kills, only };
        command.SetAction(parsed =>
        {
            TimeSpan duration = TimeSpan.FromSeconds(parsed.GetValue(seconds));
            try
            {
                foreach (string run in parsed.GetValue(only)!)
                {
                    Console.WriteLine(run switch
                    {
                        "one-instance" => Runs.OneInstance(duration),
                        "eight-networks" => Runs.EightNetworks(duration),
                        "instances" => Runs.Instances(parsed.GetValue(instances)),
                        _ => Kills.Run(parsed.GetValue(kills)),
                    });
                }

                return 0;
            }
            catch (SoakException exception)
            {
                Console.WriteLine($"FOUND: {exception.Message}");
                return 1;
            }
        });
        return command.Parse(arguments).Invoke();
    }
}
