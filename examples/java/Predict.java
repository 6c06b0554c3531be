import dev.tidemill.client.Prediction;
import dev.tidemill.client.TidemillClient;
import java.util.List;
import java.util.Map;

/** Predicts with a deployment and tells the truth afterwards. Arguments: server, deployment. */
public final class Predict {
    public static void main(String[] arguments) {
        TidemillClient client = TidemillClient.at(arguments[0]).build();
        List<Map<String, Object>> rows = List.of(
                Map.of("plan", "basic", "age", 25, "visits_per_week", 0.5, "support_calls", 3, "monthly_spend", 12.5),
                Map.of("plan", "premium", "age", 40, "visits_per_week", 4.0, "support_calls", 0));
        for (Prediction prediction : client.predict(arguments[1], rows)) {
            System.out.println(prediction.id() + " " + prediction.version() + " " + prediction.number());
        }
        Prediction one = client.predict(arguments[1], rows.get(0));
        client.label(arguments[1], one.id(), "yes");
        System.out.println(one.id() + " " + one.version() + " " + one.number());
    }
}
